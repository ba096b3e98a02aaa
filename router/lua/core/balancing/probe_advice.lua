-- What probes advise about an endpoint: a share of its weight, or none of it, until a time. After that time there is no
-- advice, so that a prober that is no longer there holds nobody down. And it is advice: out means after everybody else,
-- because an endpoint that probes think badly of is better than none.

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
