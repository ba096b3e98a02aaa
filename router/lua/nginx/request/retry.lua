-- Which endpoint gets the next attempt, and when: another endpoint at once; the same one once more after a server error,
-- with a pause; or one whose provider named its time of return, when the request has the time. Every wait ends with the
-- request: nothing is held meanwhile, and a caller that leaves ends the wait.

local outcome_recorder = require "nginx.request.outcome_recorder"
local balancer = require "nginx.balancing.balancer"
local retry_budget = require "nginx.balancing.retry_budget"
local clock = require "nginx.shared.clock"
local offers = require "nginx.balancing.offers"
local outcome = require "core.error.outcome"
local queue = require "nginx.balancing.queue"
local document_sync = require "nginx.document_sync"
local cold_standby = require "nginx.balancing.cold_standby"
local standby = require "core.request.cold_standby"
local state = require "nginx.shared.state"

local ngx = ngx
local random = math.random

local _M = {}

local REPEAT_MS = 100 -- before the same endpoint is asked again, and up to as much more
local SPREAD = 0.1 -- of a wait, on top of it: those who wait for the same endpoint must not come back in step


local function pause(wait_ms)
  ngx.sleep(wait_ms / 1000)
  state.epoch()
end


-- How long to wait before the same endpoint gets another attempt: longer each time, so that there is no fixed rhythm.
local function repeat_ms(request)
  return REPEAT_MS * request.attempts * (1 + random())
end


-- Waits for an endpoint whose time of return is known; false when the request does not have the time.
local function wait_for(request, said)
  local now_ms = clock.now_ms()
  if said.until_ms >= request.deadline_ms then
    return false
  end
  local wait_ms = (said.until_ms - now_ms) * (1 + SPREAD * random())
  pause(math.max(1, math.min(wait_ms, request.deadline_ms - now_ms)))
  request.excluded[said.name] = nil
  return true
end


-- An attempt now, or after as much of tierWait as it takes for the better tier to be back, or for its cold standby to be
-- awake. Else nil and the obstacle.
local function find(request)
  local now_ms = clock.now_ms()
  local attempt, obstacle = balancer.next(request, now_ms)
  if attempt then
    return attempt
  end
  if obstacle.tier_back and wait_for(request, obstacle.tier_back) then
    request.tier_wait_ms = request.tier_wait_ms - (clock.now_ms() - now_ms)
    return find(request)
  end
  if obstacle.asleep and now_ms < request.deadline_ms then
    cold_standby.note_awaited(request, obstacle.asleep)
    pause(math.max(1, math.min(standby.LOOK_MS, request.tier_wait_ms, request.deadline_ms - now_ms)))
    document_sync.current() -- whose word the standby's mode is
    cold_standby.forgive(request, clock.now_ms())
    request.tier_wait_ms = request.tier_wait_ms - math.max(1, clock.now_ms() - now_ms)
    return find(request)
  end
  return nil, obstacle
end


-- What was found; where every endpoint is full, what the queue gives instead.
local function or_wait(request, attempt, obstacle)
  if attempt or obstacle.full == 0 or not request.doc.policy.queue then
    return attempt, obstacle
  end
  return queue.wait(request, obstacle)
end


function _M.first(request)
  return or_wait(request, find(request))
end


-- May the same endpoint get the request again? A pool has tried as often as it is worth.
local function may_repeat(attempt, failure, tries)
  return not attempt.endpoint.is_pool and outcome.may_repeat(failure.class, tries)
end


-- There is no other endpoint: the same one once more, where its class allows that, or the first one that will be back in
-- time. A pool in front of this one decides itself whether to wait, for it may have another endpoint.
local function find_again(request, attempt, failure, obstacle)
  local name = attempt.endpoint.name
  if may_repeat(attempt, failure, request.tries[name]) then
    local wait_ms = repeat_ms(request)
    if clock.now_ms() + wait_ms < request.deadline_ms then
      pause(wait_ms)
      request.excluded[name] = nil
      return find(request)
    end
  elseif obstacle.back and not request.pools and wait_for(request, obstacle.back) then
    local another, still = find(request)
    if another then
      return another
    end
    return find_again(request, attempt, failure, still)
  end
  return nil, obstacle
end


-- Is one more try at the same endpoint worth its wait, though others are left? Where the provider answered with a 5xx, and
-- named no time to stay away. An error inside a 200 has had its time.
local function is_worth_repeating(attempt, failure, tries)
  return may_repeat(attempt, failure, tries) and failure.answer and failure.answer.status >= 500
    and not failure.retry_after_ms
end


-- Within the tier: another endpoint at once, or the same one once more, after a pause, where its failure allows that and
-- leaves an attempt for each of the other tiers. One fault is no reason to move traffic to a tier that is kept for outages.
local function find_in_tier(request, attempt, failure)
  local name = attempt.endpoint.name
  if not is_worth_repeating(attempt, failure, request.tries[name])
      or offers.other_tiers(request, attempt.endpoint.tier, clock.now_ms()) == 0 then
    return nil
  end
  request.only_tier = attempt.endpoint.tier
  local another = balancer.next(request, clock.now_ms())
  local left = request.doc.policy.retry.max_attempts - (request.attempts - request.key_faults) - 1
  if not another and left >= offers.other_tiers(request, attempt.endpoint.tier, clock.now_ms()) then
    pause(repeat_ms(request))
    request.excluded[name] = nil
    another = clock.now_ms() < request.deadline_ms and balancer.next(request, clock.now_ms()) or nil
    request.excluded[name] = not another and failure.class or nil
  end
  request.only_tier = nil
  return another
end


-- The attempt after a failed one, paid from the budget when the failed one cost the provider anything. Or nil and the
-- obstacle.
function _M.after(request, attempt, failure)
  if not outcome.goes_on(failure.class, request.attempts - request.key_faults, request.doc.policy.retry.max_attempts)
      or clock.now_ms() >= request.deadline_ms then
    return nil
  end
  if attempt.is_sent and not retry_budget.reserve(request) then
    return nil
  end
  state.epoch()
  local another, obstacle = find_in_tier(request, attempt, failure), nil
  if not another then
    another, obstacle = find(request)
  end
  if not another then
    another, obstacle = or_wait(request, find_again(request, attempt, failure, obstacle))
  end
  if not another then
    retry_budget.give_back(request)
    return nil, obstacle
  end
  retry_budget.spend(request)
  if another.endpoint ~= attempt.endpoint then
    outcome_recorder.failover(attempt.endpoint, another.endpoint, failure.class)
  end
  return another
end


return _M
