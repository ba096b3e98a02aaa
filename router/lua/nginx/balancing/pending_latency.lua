-- How long the attempts at an endpoint have been waiting for their first content: an average of what is answered says
-- nothing of an endpoint that answers nothing any more, and a deadline says it late. Each worker looks at its own.
--
-- Who waits for a whole answer waits for all of it. That is no slow first token: it is compared with what whole answers of
-- the endpoint take when all is well.

local aimd = require "core.balancing.aimd"
local weight = require "core.balancing.weight"

local _M = {}

-- endpoint's id -> {count, origin_ms, after_ms: the sum of how long after that they started}. Times since 1970, added up by
-- the thousand, would not be exact.
local streams, wholes = {}, {}
local tracks = {} -- id -> what whole answers take, as this worker sees it


-- An attempt begins to wait.
function _M.begin(attempt)
  local lines, id = attempt.is_stream and streams or wholes, attempt.endpoint.id
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


-- The wait of an attempt that was answered, as a time to first content.
function _M.sample(attempt, wait_ms, now_ms)
  if attempt.is_stream then
    return wait_ms
  end
  local id, base_ms = attempt.endpoint.id, attempt.endpoint.base_latency_ms
  tracks[id] = aimd.observe(tracks[id], wait_ms, base_ms, now_ms)
  return weight.as_first_token(wait_ms, tracks[id].normal_ms, base_ms)
end


local function mean_ms(line, now_ms)
  if not line or line.count == 0 then
    return 0
  end
  return now_ms - line.origin_ms - line.after_ms / line.count
end


-- How long the waiting attempts have waited, on the average, as a time to first content; 0 when none waits.
function _M.mean_ms(endpoint, now_ms)
  local id = endpoint.id
  local stream_ms, whole_ms = mean_ms(streams[id], now_ms), mean_ms(wholes[id], now_ms)
  if whole_ms == 0 then
    return stream_ms
  end
  local track = tracks[id]
  local slowest_ms = math.max(stream_ms,
                              weight.as_first_token(whole_ms, track and track.normal_ms, endpoint.base_latency_ms))
  return slowest_ms
end


return _M
