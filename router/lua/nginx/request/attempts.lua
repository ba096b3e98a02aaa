-- A request, attempt by attempt, to its answer: try → classify → account → (again) → pass on.

local assembly = require "nginx.request.assembly"
local outcome_recorder = require "nginx.request.outcome_recorder"
local attempt_on = require "nginx.request.attempt"
local retry_budget = require "nginx.balancing.retry_budget"
local clock = require "nginx.shared.clock"
local final_error = require "nginx.request.final_error"
local fallback = require "nginx.request.fallback"
local failures = require "nginx.request.failures"
local first_choice = require "nginx.request.first_choice"
local poison = require "nginx.request.poison"
local pool_breaker = require "nginx.endpoint.pool_breaker"
local hedge = require "nginx.request.hedge"
local credentials = require "nginx.endpoint.credentials"
local recovery = require "nginx.request.recovery"
local relay = require "nginx.request.relay"
local request_counts = require "nginx.request.request_counts"
local retry = require "nginx.request.retry"

local ngx = ngx

local _M = {}


local go_on

-- Passes a proved answer on. Gives nil after a good end, "gone" when the caller went, or the failure.
local function pass_on(request, attempt, answer)
  if answer.events then
    return (attempt.assembles and assembly.pass_on or relay.stream)(request, attempt, answer)
  end
  if answer.conn then
    return relay.long(request, attempt, answer)
  end
  return relay.whole(request, attempt, answer)
end


local function deliver(request, attempt, answer)
  outcome_recorder.first_content(attempt, clock.now_ms())
  request_counts.first_content(request, attempt)
  pool_breaker.answered(request)
  if answer.events and attempt.policy.hedging then
    hedge.sample(attempt.endpoint, attempt.first_content_ms - attempt.started_ms)
  end
  local is_refunded = request.has_paid
  if is_refunded then
    request.has_paid = false
    retry_budget.retries:refund()
  end
  local ended = pass_on(request, attempt, answer)
  if attempt.conn then
    attempt.conn:close()
    attempt.conn = nil
  end
  if ended == nil then
    poison.answered(request)
    outcome_recorder.complete(attempt, answer, clock.now_ms())
    first_choice.ended(request, attempt, "answered")
    request.answer, request.outcome = answer, request.is_degraded and "degraded" or "ok"
    return outcome_recorder.release(attempt)
  end
  if ended == "gone" then
    request.outcome = "client_gone"
    outcome_recorder.left(attempt, clock.now_ms())
    outcome_recorder.release(attempt)
    return ngx.exit(ngx.ERROR)
  end
  if is_refunded then
    retry_budget.retries:take_back()
  end
  local another, its_answer = recovery.after(request, attempt, ended)
  if another then
    return deliver(request, another, its_answer)
  end
  if request.assembly then
    assembly.drop(request)
    recovery.begin(request)
    return go_on(request, retry.after(request, request.attempt, request.failure))
  end
  pool_breaker.failed(request)
  request.outcome = "cut"
  if answer.events then
    relay.give_up(request, ended)
  end
  return ngx.exit(ngx.ERROR) -- no clean end on a cut answer
end


-- Attempt by attempt; nil: none can be made, and the obstacle.
function go_on(request, attempt, obstacle)
  if not attempt then
    attempt = fallback.attempt(request)
    if not attempt then
      return final_error.conclude(request, obstacle)
    end
  end
  request.attempt = attempt
  request.attempts = request.attempts + 1
  outcome_recorder.started(attempt)
  first_choice.begin(request, attempt, clock.now_ms())
  local answer, failure
  if attempt.policy.hedging then
    attempt, answer, failure = hedge.run(request, attempt)
  else
    answer, failure = attempt_on.run(request, attempt, credentials.of(attempt.keyed))
  end
  if answer then
    return deliver(request, attempt, answer)
  end
  failures.note(request, attempt, failure)
  return go_on(request, retry.after(request, attempt, failure))
end


function _M.serve(request)
  if not pool_breaker.admits(request) then
    return final_error.conclude_untried(request)
  end
  return go_on(request, retry.first(request))
end


return _M
