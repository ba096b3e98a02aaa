-- The pool breaker. When most requests of the pool end without an answer, after all their attempts, the router makes no
-- attempts for a while, so that providers in trouble can recover and callers do not wait in vain. The same circuit as an
-- endpoint's (core/health/breaker.lua), of all requests together.

local breakers = require "nginx.endpoint.breakers"
local clock = require "nginx.shared.clock"

local _M = {}

local CIRCUIT = "pool"
_M.CIRCUIT = CIRCUIT

local NO_ENDPOINT = { name = "" }
local NO_ANSWER = { class = "NoAnswer" }

-- What a request holds of the circuit: shaped like an attempt.
local function new(request)
  return {
    circuit = CIRCUIT, endpoint = NO_ENDPOINT, model = "", policy = request.doc.guard_policy,
    started_ms = request.started_ms, counted_era = -1,
  }
end


-- The policy of the circuit, in the words of an endpoint's; nil where there is none. Made once a document.
function _M.policy_of(doc)
  local wanted = doc.policy.global_breaker
  return wanted and {
    circuit_breaker = {
      error_rate_percent = wanted.error_rate_percent, sliding_window_ms = wanted.sliding_window_ms,
      minimum_requests = wanted.minimum_requests, consecutive_failures = 0,
      recovery_timeout_ms = wanted.recovery_timeout_ms, max_recovery_timeout_ms = wanted.recovery_timeout_ms,
      half_open_max_requests = wanted.half_open_max_requests,
    },
    timeouts = doc.policy.timeouts,
  }
end


-- May the request be tried?
function _M.admits(request)
  if not request.doc.guard_policy then
    return true
  end
  request.guard = new(request)
  return breakers.admit(request.guard, request.started_ms)
end


-- It is being answered.
function _M.answered(request)
  local guard = request.guard
  if guard and guard.counted_era < 0 then
    breakers.first_content(guard, clock.now_ms())
  end
end


-- It ended without an answer, or with half of one. A half-open request that found no endpoint has tried nothing: its
-- lease is given back (ended).
function _M.failed(request)
  local guard = request.guard
  if guard and not (guard.lease and request.attempts == 0) then
    breakers.failure(guard, NO_ANSWER, clock.now_ms())
    request.guard = nil
  end
end


-- It ended (log phase).
function _M.ended(request)
  local guard = request.guard
  if guard and guard.lease then
    breakers.release(guard, clock.now_ms())
  end
end


-- {record, window}: the circuit as it is, and the requests it looks at; for /state.
function _M.view(doc, now_ms)
  local policy, none = doc.guard_policy, { ok = 0, failed = 0 }
  return breakers.record(CIRCUIT), policy and breakers.window(CIRCUIT, policy.circuit_breaker, now_ms) or none
end


-- When requests are tried again; nil when they are now.
function _M.retry_at_ms()
  local record = breakers.record(CIRCUIT)
  return record.state == "Open" and record.retry_at_ms or nil
end


return _M
