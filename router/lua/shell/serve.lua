-- A request, attempt by attempt, to its answer: try → classify → account → (again) → pass on.

local accounts = require "shell.accounts"
local attempt_on = require "shell.attempt"
local budget = require "shell.budget"
local clock = require "shell.clock"
local conclude = require "shell.conclude"
local fallback = require "shell.fallback"
local failures = require "shell.failures"
local guard = require "shell.guard"
local hedge = require "shell.hedge"
local keys = require "shell.keys"
local recovery = require "shell.recovery"
local relay = require "shell.relay"
local retry = require "shell.retry"

local ngx = ngx

local _M = {}


-- Passes a proved answer on. Gives nil after a good end, "gone" when the caller went, or the failure.
local function pass_on(request, attempt, answer)
  if answer.events then
    return relay.stream(request, attempt, answer)
  end
  if answer.conn then
    return relay.long(request, attempt, answer)
  end
  return relay.whole(request, attempt, answer)
end


local function deliver(request, attempt, answer)
  accounts.first_content(attempt, clock.now_ms())
  guard.answered(request)
  if answer.events and attempt.policy.hedging then
    hedge.sample(attempt.endpoint, attempt.first_content_ms - attempt.started_ms)
  end
  local is_refunded = request.has_paid
  if is_refunded then
    request.has_paid = false
    budget.retries:refund()
  end
  local ended = pass_on(request, attempt, answer)
  if attempt.conn then
    attempt.conn:close()
    attempt.conn = nil
  end
  if ended == nil then
    accounts.complete(attempt, answer, clock.now_ms())
    request.answer = answer
    return accounts.release(attempt)
  end
  if ended == "gone" then
    accounts.release(attempt)
    return ngx.exit(ngx.ERROR)
  end
  if is_refunded then
    budget.retries:take_back()
  end
  local another, its_answer = recovery.after(request, attempt, ended)
  if another then
    return deliver(request, another, its_answer)
  end
  guard.failed(request)
  if answer.events then
    relay.give_up(request, ended)
  end
  return ngx.exit(ngx.ERROR) -- no clean end on a cut answer
end


-- Attempt by attempt; nil: none can be made, and what stands in the way.
local function go_on(request, attempt, obstacle)
  if not attempt then
    attempt = fallback.attempt(request)
    if not attempt then
      return conclude.conclude(request, obstacle)
    end
  end
  request.attempt = attempt
  request.attempts = request.attempts + 1
  accounts.started(attempt)
  local answer, failure
  if attempt.policy.hedging then
    attempt, answer, failure = hedge.run(request, attempt)
  else
    answer, failure = attempt_on.run(request, attempt, keys.of(attempt.endpoint))
  end
  if answer then
    return deliver(request, attempt, answer)
  end
  failures.note(request, attempt, failure)
  return go_on(request, retry.after(request, attempt, failure))
end


function _M.serve(request)
  if not guard.admits(request) then
    return conclude.conclude_untried(request)
  end
  return go_on(request, retry.first(request))
end


return _M
