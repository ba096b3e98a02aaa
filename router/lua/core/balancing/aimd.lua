-- How many requests an endpoint may have in flight when nobody knows how many it can bear: additive increase, multiplicative
-- decrease, between 1 and max_connections.
--
--   answered, and at least half of the limit in use   limit + 1 / limit: one more a round of answers
--   slow: first tokens twice as late as normal        limit × 0.9
--   overload: refused as too much, or no first token  limit × 0.5, or at once the number that the provider names
--
-- Only attempts that began after the last decrease can decrease it again: those before were sent under the old limit.
-- Normal is what was seen when the endpoint was at its best, slowly forgotten, and at least the declared base latency.

local floor = math.floor
local max = math.max
local min = math.min

local _M = {}

local SLOW, OVERLOAD = 0.9, 0.5
local LATE = 2 -- times the normal first token
local SMOOTHING = 0.1 -- of a sample in the average
local FORGOTTEN_IN_MS = 600000 -- in this time what counts as normal may double

_M.OVERLOAD_CLASSES = { Busy = true, RateLimited = true, SlowFirstToken = true }


local EVENTS = {}

function EVENTS.answered(limit, context)
  if context.in_flight * 2 < limit then
    return limit -- what is not in use proves nothing
  end
  return limit + 1 / limit
end

function EVENTS.slow(limit)
  return limit * SLOW
end

function EVENTS.overload(limit, context)
  if context.named and context.named < limit then
    return context.named
  end
  return limit * OVERLOAD
end


local DECREASES = { slow = true, overload = true }

-- The limit after an event, and whether that was a decrease. context: `ceiling` (the limit's upper bound), started_ms (of
-- the attempt), cut_at_ms (of the last decrease; 0: none), in_flight, `named` (a limit that the provider named, or nil).
function _M.step(limit, event, context)
  if DECREASES[event] and context.started_ms <= context.cut_at_ms then
    return limit, false
  end
  local after = max(1, min(context.ceiling, EVENTS[event](limit, context)))
  return after, DECREASES[event] == true
end


-- What a limit allows: whole requests.
function _M.whole(limit)
  return max(1, floor(limit))
end


-- A first token after sample_ms. track: {average_ms, normal_ms, at_ms} or nil. The new track, and: is the endpoint slow?
function _M.observe(track, sample_ms, base_latency_ms, now_ms)
  if not track then
    return { average_ms = sample_ms, normal_ms = sample_ms, at_ms = now_ms }, false
  end
  local average_ms = track.average_ms + SMOOTHING * (sample_ms - track.average_ms)
  local forgotten = 1 + max(0, now_ms - track.at_ms) / FORGOTTEN_IN_MS
  local normal_ms = min(average_ms, track.normal_ms * forgotten)
  local late_ms = LATE * max(normal_ms, base_latency_ms)
  return { average_ms = average_ms, normal_ms = normal_ms, at_ms = now_ms }, sample_ms > late_ms and average_ms > late_ms
end


return _M
