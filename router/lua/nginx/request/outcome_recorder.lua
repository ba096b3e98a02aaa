-- What an attempt and a request leave behind: the breaker's count, the endpoint's backoff and latency, the slot, the
-- metrics.

local affinity = require "nginx.balancing.affinity"
local breakers = require "nginx.endpoint.breakers"
local cost = require "core.document.cost"
local digest = require "nginx.shared.digest"
local concurrency_limits = require "nginx.balancing.concurrency_limits"
local metrics = require "nginx.shared.metrics"
local outcome = require "core.error.outcome"
local queue = require "nginx.balancing.queue"
local backoffs = require "nginx.endpoint.backoffs"
local in_flight = require "nginx.endpoint.in_flight"
local pending_latency = require "nginx.balancing.pending_latency"

local tokens = cost.tokens

local _M = {}

-- attempts

local function labels(attempt)
  local endpoint = attempt.endpoint
  endpoint.labels = endpoint.labels or {}
  local known = endpoint.labels[attempt.model]
  if not known then
    local text = ('endpoint="%s",gen_ai_request_model="%s"'):format(endpoint.name, attempt.model_label)
    known = {
      text = text,
      attempts = "poolkeeper_attempts_total{" .. text .. "}",
      first_token = metrics.histogram(metrics.FIRST_TOKEN, text),
      duration = metrics.histogram(metrics.DURATION, text),
      per_token = metrics.histogram(metrics.PER_TOKEN, text),
      input = metrics.histogram(metrics.TOKEN_USAGE, text .. ',gen_ai_token_type="input"'),
      output = metrics.histogram(metrics.TOKEN_USAGE, text .. ',gen_ai_token_type="output"'),
    }
    endpoint.labels[attempt.model] = known
  end
  return known
end


function _M.started(attempt)
  pending_latency.begin(attempt)
  metrics.count(labels(attempt).attempts)
end


-- The answer has proved itself.
function _M.first_content(attempt, now_ms)
  local wait_ms = now_ms - attempt.started_ms
  attempt.first_content_ms = now_ms
  pending_latency.over(attempt)
  breakers.first_content(attempt, now_ms)
  backoffs.success(attempt.endpoint, attempt.model, now_ms, attempt.started_ms)
  backoffs.sample_latency(attempt.endpoint, pending_latency.sample(attempt, wait_ms, now_ms), now_ms)
  if attempt.policy.is_adaptive then
    concurrency_limits.answered(attempt, wait_ms, now_ms)
  end
  if attempt.conversation then
    affinity.answered(attempt.conversation, attempt.endpoint)
  end
  if attempt.is_stream then
    metrics.observe(labels(attempt).first_token, wait_ms / 1000)
  end
end


local function observe_usage(known, usage, wait_s)
  local input, output = tokens(usage.prompt_tokens), tokens(usage.completion_tokens)
  if input then
    metrics.observe(known.input, input)
  end
  if output then
    metrics.observe(known.output, output)
    if output > 1 and wait_s > 0 then
      metrics.observe(known.per_token, wait_s / (output - 1))
    end
  end
end


local function count_cost(endpoint, usage)
  if not endpoint.cost_series then
    endpoint.cost_series = ('poolkeeper_cost_total{endpoint="%s",currency="%s"}')
      :format(endpoint.name, endpoint.pricing.currency)
  end
  metrics.count(endpoint.cost_series, cost.of(endpoint.pricing, usage, endpoint.price_percent))
end


-- It came to its proper end.
function _M.complete(attempt, answer, now_ms)
  breakers.complete(attempt, now_ms)
  local known = labels(attempt)
  metrics.observe(known.duration, (now_ms - attempt.started_ms) / 1000)
  local usage = answer.usage or answer.events and answer.events.reader.usage
  if usage then
    observe_usage(known, usage, (now_ms - attempt.first_content_ms) / 1000)
    if attempt.endpoint.pricing then
      count_cost(attempt.endpoint, usage)
    end
  end
end


-- is_counted_elsewhere: at another endpoint, and not here.
function _M.failure(attempt, failure, now_ms, is_counted_elsewhere)
  local consequence = outcome.CLASSES[failure.class]
  if consequence.counts and not is_counted_elsewhere then
    breakers.failure(attempt, failure.class, now_ms)
  else
    breakers.release(attempt, now_ms)
  end
  if consequence.is_fault then
    local kind = consequence.rests
    backoffs.failure(attempt, kind, failure, now_ms, kind == "refused" and digest.of_request(attempt.asking) or nil)
  end
  if attempt.policy.is_adaptive then
    concurrency_limits.failed(attempt, failure, now_ms)
  end
  metrics.count(('poolkeeper_upstream_errors_total{%s,class="%s"}'):format(labels(attempt).text, failure.class))
end


-- It was given up and says nothing about its endpoint. why: ClientGone (its caller went away, or the router failed
-- itself) or Outpaced (the endpoint that got the request beside it was faster).
function _M.abandoned(attempt, why, now_ms)
  breakers.release(attempt, now_ms)
  metrics.count(('poolkeeper_upstream_errors_total{%s,class="%s"}'):format(labels(attempt).text, why))
end


function _M.release(attempt)
  pending_latency.over(attempt)
  if attempt.holds_slot then
    attempt.holds_slot = false
    in_flight.release(attempt.endpoint.id)
    queue.freed()
  end
end


-- requests

-- Another endpoint continues an answer that broke off. How: Continue or Restart.
function _M.recovery(attempt)
  metrics.count(('poolkeeper_stream_recoveries_total{endpoint="%s",how="%s"}'):format(attempt.endpoint.name,
                                                                                        attempt.recovers))
end


function _M.failover(from, to, reason)
  metrics.count(('poolkeeper_failovers_total{from="%s",to="%s",reason="%s"}'):format(from, to, reason))
end


-- A request that is turned away because there are too many. client: its name, "" for anybody.
function _M.shed(code, client)
  metrics.count(('poolkeeper_shed_total{code="%s",client="%s"}'):format(code, client))
end


local request_series = {} -- surface -> code -> series

function _M.request(surface, code)
  local known = request_series[surface]
  if not known then
    known = {}
    request_series[surface] = known
  end
  local series = known[code]
  if not series then
    series = ('poolkeeper_requests_total{surface="%s",code="%d"}'):format(surface, code)
    known[code] = series
  end
  metrics.count(series)
end


return _M
