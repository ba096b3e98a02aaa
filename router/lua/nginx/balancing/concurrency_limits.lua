-- How many requests an endpoint may have in flight now: its share of the declared connection limit, the limit that its
-- provider named, and under concurrency Adaptive the one that core/balancing/aimd.lua found. All workers share one limit;
-- each measures for itself what is normal.

local aimd = require "core.balancing.aimd"
local backoff = require "core.health.backoff"
local backoffs = require "nginx.endpoint.backoffs"
local in_flight = require "nginx.endpoint.in_flight"
local key_choice = require "nginx.balancing.key_choice"
local state = require "nginx.shared.state"

local _M = {}

local tracks = {} -- id -> how late first tokens are, as this worker sees it


-- Under what the limit of an endpoint is kept.
function _M.keys_of(id)
  return { limit = "limit:" .. id, cut = "limit_cut:" .. id }
end


-- 0: there was no reason yet to be below the connection limit.
local function limit_of(endpoint, ceiling)
  local limit = state.counted(endpoint.limit_keys.limit)
  return limit > 0 and limit < ceiling and limit or ceiling
end


-- The declared limit, or a lower one that its provider named for the account, or for those of its keys together.
local function named_ceiling(endpoint, record, now_ms)
  return key_choice.ceiling(endpoint, backoff.ceiling(record, endpoint.max_connections, now_ms), now_ms)
end


-- record: the endpoint's backoffs
function _M.ceiling(endpoint, record, now_ms)
  local ceiling = named_ceiling(endpoint, record, now_ms)
  if not endpoint.policy.is_adaptive then
    return ceiling
  end
  return aimd.whole(limit_of(endpoint, ceiling))
end


local function step(attempt, event, named, now_ms)
  local endpoint = attempt.endpoint
  local ceiling = named_ceiling(endpoint, backoffs.record(endpoint), now_ms)
  local limit = limit_of(endpoint, ceiling)
  local after, is_cut = aimd.step(limit, event, {
    ceiling = ceiling, started_ms = attempt.started_ms, cut_at_ms = state.counted(endpoint.limit_keys.cut),
    in_flight = in_flight.in_flight(endpoint.id), named = named,
  })
  if is_cut then
    state.note(endpoint.limit_keys.cut, now_ms)
    state.note(endpoint.limit_keys.limit, after)
  elseif after > limit then
    state.count(endpoint.limit_keys.limit, after - limit) -- added: other workers do the same at the same time
  end
end


-- The first content has come.
function _M.answered(attempt, wait_ms, now_ms)
  local endpoint, is_slow = attempt.endpoint, false
  if attempt.is_stream then
    tracks[endpoint.id], is_slow = aimd.observe(tracks[endpoint.id], wait_ms, endpoint.base_latency_ms, now_ms)
  end
  step(attempt, is_slow and "slow" or "answered", nil, now_ms)
end


function _M.failed(attempt, failure, now_ms)
  local is_of_one_key = failure.class == "RateLimited" and attempt.keyed ~= attempt.endpoint
  if aimd.OVERLOAD_CLASSES[failure.class] and not is_of_one_key then
    step(attempt, "overload", failure.limit, now_ms)
  end
end


return _M
