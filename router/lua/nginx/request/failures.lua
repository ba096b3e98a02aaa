-- An attempt that failed: what that is for its endpoint (outcome_recorder.lua), and what the request remembers of it.

local outcome_recorder = require "nginx.request.outcome_recorder"
local backoffs = require "nginx.endpoint.backoffs"
local clock = require "nginx.shared.clock"
local feature_refusals = require "nginx.balancing.feature_refusals"
local key_choice = require "nginx.balancing.key_choice"
local first_choice = require "nginx.request.first_choice"
local offers = require "nginx.balancing.offers"
local outcome = require "core.error.outcome"
local poison = require "nginx.request.poison"
local pool_chain = require "nginx.request.pool_chain"
local standby = require "core.request.cold_standby"

local _M = {}


-- Which of it must not be tried again: the endpoint; or only the key, where that is at fault and another may be used. That
-- takes no attempt from the other endpoints: however many keys are out, the request may still go to those.
local function exclude(request, attempt, class)
  local endpoint, excluded = attempt.endpoint, request.excluded
  if backoffs.is_of_one_key(attempt, outcome.CLASSES[class].backoff) then
    excluded[attempt.keyed.id] = class
    if not key_choice.obstacle(request, endpoint, clock.now_ms()) then
      request.key_faults = request.key_faults + 1
      return
    end
    for _, keyed in ipairs(endpoint.keys) do -- all are out: the endpoint is, until the first of them is back
      class = outcome.may_return(excluded[keyed.id] or class) and excluded[keyed.id] or class
      excluded[keyed.id] = nil
    end
  end
  excluded[endpoint.name] = class
end


-- The request keeps: which endpoints failed and how often (tries), which are not tried again and why (excluded), what the
-- next one must be able to do (needs), and the refusal that says what its caller must change (`telling`).
function _M.note(request, attempt, failure)
  local name, is_waking = attempt.endpoint.name, standby.is_not_up(attempt.endpoint.woke_ms, failure, clock.now_ms())
  failure.reason = is_waking and standby.WAKING or failure.reason
  local is_requests_own = failure.class == "ServerError" and poison.failed(request, attempt.endpoint, failure.status)
  -- Blocked requests are evidence only where others could go elsewhere: the words of one caller may be what is blocked.
  local may_back_off = not outcome.BACKOFFS[failure.reason] or offers.has_another(request, attempt.endpoint, clock.now_ms())
  outcome_recorder.failure(attempt, failure, clock.now_ms(), is_requests_own or is_waking, may_back_off)
  if failure.reason == "NotSupported" then
    feature_refusals.note(attempt, failure, clock.now_ms())
  end
  outcome_recorder.release(attempt)
  pool_chain.charge(attempt)
  first_choice.ended(request, attempt, outcome.CLASSES[failure.class].is_fault and "failed" or "unknown")
  request.tries[name] = (request.tries[name] or 0) + 1
  if is_waking then
    request.key_faults = request.key_faults + 1 -- takes no attempt: the request waits for it, or goes on, as before
  else
    exclude(request, attempt, failure.class)
  end
  if failure.class == "Credential" and attempt.keyed ~= attempt.endpoint then
    attempt.refusal = failure
    request.refused_before = request.refused_before or {}
    request.refused_before[#request.refused_before + 1] = attempt
  end
  request.needs = outcome.CLASSES[failure.class].needs or request.needs
  request.failure = failure
  if failure.reason == outcome.LOOP then
    request.loops = request.loops or {}
    request.loops[name] = true
  elseif outcome.TELLING[failure.class] then
    request.telling = { attempt = attempt, failure = failure }
  end
  request.is_model_missing = request.is_model_missing ~= false and failure.class == "ModelMissing"
end


return _M
