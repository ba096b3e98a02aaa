-- Requests to an endpoint that failed one after the other, with no good answer in between: what people call an outage. It
-- decides nothing about requests; it outlives backoffs and breakers, so that an outage has one beginning.

local min = math.min

local _M = {}

local COUNTED = 1000 -- more failures in a row say nothing new


-- since_ms: the first of them; attempts: how many; at_ms: the last.
function _M.new()
  return { since_ms = 0, attempts = 0, at_ms = 0 }
end


function _M.failed(row, now_ms)
  local since_ms = row.attempts > 0 and row.since_ms or now_ms
  return { since_ms = since_ms, attempts = min(row.attempts + 1, COUNTED), at_ms = now_ms }
end


-- Only a good answer to a request that was sent after the first failure ends it.
function _M.is_ended_by(row, started_ms)
  return row.attempts > 0 and started_ms >= row.since_ms
end


return _M
