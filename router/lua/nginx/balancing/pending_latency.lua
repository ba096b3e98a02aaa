-- How long the attempts at an endpoint have been waiting for their first content: an average of what is answered says
-- nothing of an endpoint that answers nothing any more, and a deadline says it late. Each worker looks at its own.

local _M = {}

-- endpoint's id -> {count, origin_ms, after_ms: the sum of how long after that they started}. Times since 1970, added up by
-- the thousand, would not be exact.
local lines = {}


-- An attempt begins to wait.
function _M.begin(attempt)
  local id = attempt.endpoint.id
  local line = lines[id]
  if not line then
    line = { count = 0, origin_ms = attempt.started_ms, after_ms = 0 }
    lines[id] = line
  end
  line.count, line.after_ms = line.count + 1, line.after_ms + (attempt.started_ms - line.origin_ms)
  attempt.waits_in = line
end


-- Its first content has come, or it ended without.
function _M.over(attempt)
  local line = attempt.waits_in
  if line then
    attempt.waits_in = false
    line.count, line.after_ms = line.count - 1, line.after_ms - (attempt.started_ms - line.origin_ms)
  end
end


-- How long those that wait have waited, on the average; 0 when nobody does.
function _M.mean_ms(id, now_ms)
  local line = lines[id]
  return line and line.count > 0 and now_ms - line.origin_ms - line.after_ms / line.count or 0
end


return _M
