-- How much of the traffic an endpoint deserves now:
--   weight × (1 − in-flight / max connections) × (base latency / current latency) × slow start
-- Every factor is clamped. Latency is the time to first content of successes and of requests that still wait for it: fast
-- failures must not attract traffic, one slow answer must not starve an endpoint for ever.

local exp = math.exp
local max = math.max
local min = math.min

local _M = {}

local RATIO_MIN, RATIO_MAX = 0.05, 2
local SLOW_START_MIN = 0.1
local DECAY_MS = 10000


-- no sample yet (nil) counts as normal
local function latency_factor(base_latency_ms, latency_ms)
  if not latency_ms or latency_ms <= 0 then
    return 1
  end
  return max(RATIO_MIN, min(RATIO_MAX, base_latency_ms / latency_ms))
end


-- Rises from a tenth to one in the time after an endpoint came back (ramp_since_ms; 0: never was away).
function _M.ramp(ramp_since_ms, slow_start_ms, now_ms)
  if ramp_since_ms == 0 or slow_start_ms <= 0 then
    return 1
  end
  return max(SLOW_START_MIN, min(1, (now_ms - ramp_since_ms) / slow_start_ms))
end


function _M.load(in_flight, max_connections)
  return max(0, min(1, in_flight / max_connections))
end


-- The latency an endpoint counts with: that of its answers, or how long its callers have been waiting now, when that is
-- more than usual. So an endpoint that falls silent loses its share long before anybody's deadline.
function _M.latency(average_ms, waiting_ms, base_latency_ms)
  if waiting_ms > (average_ms or base_latency_ms) then
    return waiting_ms
  end
  return average_ms
end


-- What a wait for a whole answer counts as, beside waits for first tokens: so many times the base latency as it is times
-- what whole answers of this endpoint take (normal_ms; nil: none is known, and nothing can be said).
function _M.as_first_token(wait_ms, normal_ms, base_latency_ms)
  if not normal_ms then
    return 0
  end
  return wait_ms * base_latency_ms / max(normal_ms, base_latency_ms)
end


-- candidate: weight, in_flight, max_connections, base_latency_ms, latency_ms, ramp_since_ms
function _M.dynamic(candidate, slow_start_ms, now_ms)
  return candidate.weight
    * (1 - _M.load(candidate.in_flight, candidate.max_connections))
    * latency_factor(candidate.base_latency_ms, candidate.latency_ms)
    * _M.ramp(candidate.ramp_since_ms, slow_start_ms, now_ms)
end


-- Peak EWMA: a worse sample counts at once, a better one with time. Gives the new average.
function _M.average(average_ms, sampled_at_ms, sample_ms, now_ms)
  if not average_ms or sample_ms >= average_ms then
    return sample_ms
  end
  local kept = exp(-max(0, now_ms - sampled_at_ms) / DECAY_MS)
  return average_ms * kept + sample_ms * (1 - kept)
end


return _M
