-- When an endpoint takes longer for its first content than nearly always, a second endpoint gets the request too, and the
-- first answer counts. The other connection is closed at once, which stops its cost. Streams only, and whole answers that
-- are asked for as streams: others that take long may just be long, and would be paid for twice.

local outcome_recorder = require "nginx.request.outcome_recorder"
local attempt_on = require "nginx.request.attempt"
local balancer = require "nginx.balancing.balancer"
local retry_budget = require "nginx.balancing.retry_budget"
local clock = require "nginx.shared.clock"
local failures = require "nginx.request.failures"
local credentials = require "nginx.endpoint.credentials"
local metrics = require "nginx.shared.metrics"
local percentile = require "core.balancing.percentile"
local state = require "nginx.shared.state"

local ngx = ngx

local _M = {}

local LATE = {} -- what the thread that only waits gives back

local seen = {} -- endpoint id -> the times to its first content, of streams, that this worker has seen last


function _M.sample(endpoint, wait_ms)
  local id = endpoint.id
  seen[id] = seen[id] or percentile.new()
  seen[id]:add(wait_ms)
end


-- How long to wait for an attempt's first content before a second endpoint gets the request; nil: as long as it takes.
local function delay_ms_of(request, attempt)
  local known = request.attempts == 1 and attempt.is_stream and seen[attempt.endpoint.id]
  return known and known:percentile(attempt.policy.hedging.after_percentile)
end


local function wait(delay_ms)
  ngx.sleep(delay_ms / 1000)
  return LATE
end


-- What a thread that ended gives back: as run. An error in it is one here.
local function await(...)
  local ok, attempt, answer, failure = ngx.thread.wait(...)
  if not ok then
    error(attempt, 0)
  end
  return attempt, answer, failure
end


local function run(request, attempt)
  return attempt, attempt_on.run(request, attempt, credentials.of(attempt.keyed))
end


-- A second attempt on another endpoint, paid from the hedges' budget; nil when there is none.
local function second_attempt(request, attempt)
  if not retry_budget.hedges:withdraw() then
    return nil
  end
  local name = attempt.endpoint.name
  state.epoch()
  request.excluded[name] = "SlowFirstToken"
  local second = balancer.next(request, clock.now_ms())
  request.excluded[name] = nil
  if not second then
    retry_budget.hedges:refund()
    return nil
  end
  second.is_hedge, second.is_raced = true, true
  request.hedge = second
  request.attempts = request.attempts + 1
  outcome_recorder.started(second)
  metrics.count(metrics.series("poolkeeper_hedges_total", second.endpoint.name))
  return second
end


-- Gives the slower attempt up: no fault of its endpoint's, and its caller is still here.
local function cancel(attempt)
  if attempt.conn then
    attempt.conn:close()
    attempt.conn = nil
  end
  outcome_recorder.abandoned(attempt, "Outpaced", clock.now_ms())
  outcome_recorder.release(attempt)
end


-- The first of two that has an answer; when both have none, the failure of the last. The other one is booked here.
local function race(request, attempts, threads)
  local done, answer, failure = await(threads[1], threads[2])
  local other = done == attempts[1] and 2 or 1
  if answer then
    ngx.thread.kill(threads[other])
    cancel(attempts[other])
    return done, answer
  end
  failures.note(request, done, failure)
  done, answer, failure = await(threads[other])
  return done, answer, failure
end


-- Runs an attempt as nginx/request/attempt.lua does, and perhaps a second one beside it. Gives the attempt that counts,
-- and its answer or its failure.
function _M.run(request, attempt)
  local delay_ms = delay_ms_of(request, attempt)
  if not delay_ms then
    return run(request, attempt)
  end
  attempt.is_raced = true
  local first, timer = ngx.thread.spawn(run, request, attempt), ngx.thread.spawn(wait, delay_ms)
  local done, answer, failure = await(first, timer)
  if done ~= LATE then
    ngx.thread.kill(timer)
    return done, answer, failure
  end
  local second = second_attempt(request, attempt)
  if not second then
    done, answer, failure = await(first)
    return done, answer, failure
  end
  done, answer, failure = race(request, { attempt, second }, { first, ngx.thread.spawn(run, request, second) })
  request.attempt, request.hedge = done, nil
  return done, answer, failure
end


return _M
