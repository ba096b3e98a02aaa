-- The breakers of this router, one a (endpoint, model), kept in shared memory: which window an attempt is counted in, and
-- which event its outcome is. What an event does is core/health/breaker.lua's business alone.

local breaker = require "core.health.breaker"
local clock = require "nginx.shared.clock"
local declared = require "core.metrics.declared"
local metrics = require "nginx.shared.metrics"
local in_flight = require "nginx.endpoint.in_flight"
local patience = require "core.request.patience"
local outcome = require "core.error.outcome"
local series_store = require "nginx.shared.series_store"
local state = require "nginx.shared.state"

local floor = math.floor

local _M = {}

local PREFIX = "circuit:"
local BUCKETS = 10 -- of a sliding window

local bucket_names = {} -- circuit -> {bucket, era, the name of its counter}: made once a bucket, not once a request


local function counter_name(circuit, era, bucket, what)
  return ("window:%s:%d:%d:%s"):format(circuit, era, bucket, what)
end


local function ok_counter(circuit, era, bucket)
  local known = bucket_names[circuit]
  if not known or known.bucket ~= bucket or known.era ~= era then
    known = { bucket = bucket, era = era, name = counter_name(circuit, era, bucket, "ok") }
    bucket_names[circuit] = known
  end
  return known.name
end


local function width_ms(policy)
  local width = policy.sliding_window_ms / BUCKETS
  return width < 1 and 1 or width
end


-- What a circuit is called in shared memory: after the endpoint's id and the model.
function _M.name(endpoint, model)
  return PREFIX .. endpoint.id .. "\0" .. model
end


function _M.record(circuit)
  return state.read(circuit, breaker.new)
end


-- The attempts of the window that ends now, by the time they started: {ok, failed}.
function _M.window(circuit, policy, now_ms)
  local era = _M.record(circuit).era
  local last = floor(now_ms / width_ms(policy))
  local sum = { ok = 0, failed = 0 }
  for bucket = last - BUCKETS + 1, last do
    sum.ok = sum.ok + state.counted(counter_name(circuit, era, bucket, "ok"))
    sum.failed = sum.failed + state.counted(counter_name(circuit, era, bucket, "failed"))
  end
  return sum
end


local function step(attempt, event, context)
  local circuit = attempt.circuit
  local effects = state.update(circuit, breaker.new, function(record)
    return breaker.step(record, event, context)
  end)
  local change = effects.transition
  if change then
    state.log_transition({ at_ms = context.now_ms, endpoint = attempt.endpoint.name, model = attempt.model,
                           from = change.from, to = change.to, reason = change.reason })
    local family = "poolkeeper_breaker_transitions_total"
    series_store.add(metrics.series(family, attempt.endpoint.name,
                                       declared.lumped(attempt.endpoint.bounds, family, attempt.model),
                                       change.from, change.to, change.to == "Open" and context.class or change.reason), 1)
  end
  return effects
end


local function context_of(attempt, now_ms)
  return { now_ms = now_ms, policy = attempt.policy.circuit_breaker, started_ms = attempt.started_ms,
           lease = attempt.lease, random = math.random(), is_last_resort = attempt.is_last_resort }
end


-- May the attempt go? While half-open it holds a lease then, which lasts as long as a first content may take.
function _M.admit(attempt, now_ms)
  if _M.record(attempt.circuit).state == "Closed" then
    return true
  end
  local context = context_of(attempt, now_ms)
  context.lease_ms = patience.ms(attempt.policy.timeouts, attempt.is_stream) + attempt.policy.timeouts.connect_ms
  context.holder = in_flight.worker()
  local effects = step(attempt, "admit", context)
  attempt.lease = effects.lease
  return effects.admitted
end


local function bucket_of(attempt, policy)
  local bucket = floor(attempt.started_ms / width_ms(policy))
  return bucket
end


local function ttl_s(policy)
  return policy.sliding_window_ms * 2 / 1000 + 1
end


-- The first content has come. Counted as good from here on; taken back if the answer breaks later.
function _M.first_content(attempt, now_ms)
  local policy = attempt.policy.circuit_breaker
  local record = _M.record(attempt.circuit)
  attempt.counted_era = record.era
  state.count(ok_counter(attempt.circuit, record.era, bucket_of(attempt, policy)), 1, ttl_s(policy))
  if attempt.lease or record.state ~= "Closed" then
    step(attempt, "first_content", context_of(attempt, now_ms))
  end
end


function _M.complete(attempt, now_ms)
  state.epoch()
  local record = _M.record(attempt.circuit)
  if record.state == "Closed" and record.consecutive == 0 and record.opens == 0 then
    return
  end
  step(attempt, "complete", context_of(attempt, now_ms))
end


-- A failure that counts.
function _M.failure(attempt, failure, now_ms)
  local policy = attempt.policy.circuit_breaker
  local bucket = bucket_of(attempt, policy)
  state.epoch()
  local record = _M.record(attempt.circuit)
  local era = record.era
  if record.state == "Closed" and breaker.is_old_news(record, attempt.started_ms, attempt.lease) then
    return
  end
  if attempt.counted_era == era then
    state.count(ok_counter(attempt.circuit, era, bucket), -1, ttl_s(policy))
  end
  state.count(counter_name(attempt.circuit, era, bucket, "failed"), 1, ttl_s(policy))
  local context = context_of(attempt, now_ms)
  context.reason, context.class = outcome.cause(failure), failure.class
  context.window = _M.window(attempt.circuit, policy, now_ms)
  step(attempt, "failure", context)
end


-- The attempt ended and says nothing about the endpoint.
function _M.release(attempt, now_ms)
  if attempt.lease then
    step(attempt, "release", context_of(attempt, now_ms))
  end
end


-- Health checks have passed often enough. check_failed_at_ms: when one was last bad.
function _M.checks_passed(endpoint, check_failed_at_ms, now_ms)
  for _, route in ipairs(endpoint.models) do
    local circuit = endpoint.routes[route.name].circuit
    if _M.record(circuit).state ~= "Closed" then
      step({ circuit = circuit, endpoint = endpoint, model = route.name }, "check_passed",
           { now_ms = now_ms, check_failed_at_ms = check_failed_at_ms })
    end
  end
end


-- Probes were answered well. answered: the document's; what is no endpoint of its any more has no open circuit. bounds: of
-- its metrics.
function _M.probes_passed(answered, bounds, now_ms)
  for _, one in ipairs(answered) do
    local endpoint = { name = one.endpoint, id = one.endpoint .. "@" .. one.fingerprint, bounds = bounds }
    step({ circuit = _M.name(endpoint, one.model), endpoint = endpoint, model = one.model },
         "probe_passed", { now_ms = now_ms, probed_at_ms = clock.own_ms(one.probed_at_ms) })
  end
end


-- At the start of a worker: the half-open requests of a dead worker with its number are free again. others: circuits that
-- belong to no endpoint.
function _M.begin_worker(others)
  local me = in_flight.worker()
  local function forget(circuit)
    state.update(circuit, breaker.new, function(record)
      return breaker.without_holder(record, me), {}
    end)
  end
  state.each(PREFIX, forget)
  for _, circuit in ipairs(others) do
    forget(circuit)
  end
end


-- Forgets the circuits of endpoints that are not among ids.
function _M.sweep(ids)
  state.sweep(PREFIX, function(circuit)
    return ids[circuit:match("^(%Z*)")] ~= nil
  end)
end


return _M
