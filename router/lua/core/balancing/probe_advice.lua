-- The weight adjustment by probes: a share of an endpoint's weight, or none of it, until a time. After that time it
-- expires, so that a prober that has stopped excludes no endpoint. And out means after all others, because an endpoint
-- with bad probes is better than none.

local _M = {}


-- Of the weight, in percent. advice: weight_percent, until_ms.
function _M.percent(advice, now_ms)
  return now_ms < advice.until_ms and advice.weight_percent or 100
end


-- The candidates that are not out, or all of them when all are.
function _M.leave_out(candidates)
  local kept = {}
  for i = 1, #candidates do
    if not candidates[i].is_out then
      kept[#kept + 1] = candidates[i]
    end
  end
  return kept[1] and kept or candidates
end


return _M
