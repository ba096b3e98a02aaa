-- What an attempt and a request leave behind: the breaker's count, the endpoint's backoff and latency, the slot, the
-- metrics.

local accounts = require "nginx.request.accounts"
local affinity = require "nginx.balancing.affinity"
local breakers = require "nginx.endpoint.breakers"
local cost = require "core.document.cost"
local declared = require "core.metrics.declared"
local digest = require "nginx.shared.digest"
local concurrency_limits = require "nginx.balancing.concurrency_limits"
local metrics = require "nginx.shared.metrics"
local outcome = require "core.error.outcome"
local queue = require "nginx.balancing.queue"
local backoffs = require "nginx.endpoint.backoffs"
local in_flight = require "nginx.endpoint.in_flight"
local standby = require "core.request.cold_standby"
local pending_latency = require "nginx.balancing.pending_latency"
local substitutions = require "nginx.endpoint.substitutions"
local values = require "core.metrics.values"

local tokens, lumped = cost.tokens, declared.lumped
local observe = metrics.observe
local TOKEN_TYPES = values.TOKEN_TYPES

local _M = {}

local NONE = {}

-- The series of an endpoint and a model, made once.
local function series_of(endpoint, attempt)
  local bounds, model = endpoint.bounds, attempt.model
  local operation, provider = values.operation(attempt.surface.name), values.provider(endpoint.provider)
  local function histogram(family, ...)
    return metrics.histogram(family, endpoint.name, lumped(bounds, family, model), ...)
  end
  local series = {
    attempts = metrics.series("poolkeeper_attempts_total", endpoint.name,
                              lumped(bounds, "poolkeeper_attempts_total", model)),
    first_token = histogram("gen_ai_server_time_to_first_token_seconds", operation, provider),
    per_token = histogram("gen_ai_server_time_per_output_token_seconds", operation, provider),
    input = histogram("gen_ai_client_token_usage", "input"), output = histogram("gen_ai_client_token_usage", "output"),
    durations = {}, failures = {}, usage = {}, operation = operation, provider = provider,
  }
  for _, kind in ipairs(values.ERROR_TYPES) do
    series.durations[kind] = histogram("gen_ai_server_request_duration_seconds", operation, provider, kind)
  end
  return series
end


local function labels(attempt)
  local endpoint = attempt.endpoint
  endpoint.series = endpoint.series or {}
  local known = endpoint.series[attempt.asked]
  if not known then
    known = series_of(endpoint, attempt)
    endpoint.series[attempt.asked] = known
  end
  return known
end


local function count_failure(attempt, class)
  local known = labels(attempt)
  known.failures[class] = known.failures[class]
    or metrics.series("poolkeeper_upstream_errors_total", attempt.endpoint.name,
                      lumped(attempt.endpoint.bounds, "poolkeeper_upstream_errors_total", attempt.model), class)
  metrics.count(known.failures[class])
end


local statuses = {} -- endpoint -> status -> series

local function count_status(attempt)
  local name, status = attempt.endpoint.name, values.status(attempt.status)
  local known = statuses[name] or {}
  statuses[name] = known
  known[status] = known[status] or metrics.series("poolkeeper_upstream_responses_total", name, status)
  metrics.count(known[status])
end


function _M.started(attempt)
  attempt.account.attempts[#attempt.account.attempts + 1] = attempt
  pending_latency.begin(attempt)
  metrics.count(labels(attempt).attempts)
end


-- The answer has proved itself.
function _M.first_content(attempt, now_ms)
  local wait_ms = now_ms - attempt.started_ms
  attempt.first_content_ms = now_ms
  pending_latency.over(attempt)
  breakers.first_content(attempt, now_ms)
  substitutions.look(attempt, now_ms)
  backoffs.success(attempt, now_ms)
  for _, refused in ipairs(attempt.refused_before or NONE) do
    backoffs.key_proved_bad(refused, attempt, now_ms)
  end
  backoffs.sample_latency(attempt.endpoint, pending_latency.sample(attempt, wait_ms, now_ms), now_ms)
  if attempt.policy.is_adaptive then
    concurrency_limits.answered(attempt, wait_ms, now_ms)
  end
  if attempt.conversation then
    affinity.answered(attempt.conversation, attempt.endpoint, attempt.belongs_to)
  end
  if attempt.is_stream then
    metrics.observe(labels(attempt).first_token, wait_ms / 1000)
  end
end


-- The model of an answer as a label: one that the document names, or "other".
local function response_model(attempt)
  local said, wanted = substitutions.origin(attempt).model, attempt.route.upstream_name
  return lumped(attempt.endpoint.bounds, "gen_ai_client_token_usage_token", (not said or said == wanted) and wanted
    or "other")
end


local function observe_by_type(attempt, known, counts)
  local model = response_model(attempt)
  local series = known.usage[model]
  if not series then
    series = {}
    for _, token_type in ipairs(TOKEN_TYPES) do
      local family = "gen_ai_client_token_usage_token"
      series[token_type] = metrics.histogram(family, known.operation, known.provider,
                                             lumped(attempt.endpoint.bounds, family, attempt.model), model, token_type)
    end
    known.usage[model] = series
  end
  observe(series.input, counts.input)
  observe(series.cached_input, counts.cached_input)
  observe(series.output, counts.output)
  observe(series.reasoning, counts.reasoning)
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


-- It came to its proper end.
function _M.complete(attempt, answer, now_ms)
  breakers.complete(attempt, now_ms)
  local known = labels(attempt)
  metrics.observe(known.durations[""], (now_ms - attempt.started_ms) / 1000)
  count_status(attempt)
  attempt.ended_ms = now_ms
  accounts.answered(attempt)
  local usage = answer.usage or answer.events and answer.events.reader.usage
  if usage then
    observe_usage(known, usage, (now_ms - attempt.first_content_ms) / 1000)
    observe_by_type(attempt, known, cost.counts(usage))
  end
end


-- is_counted_elsewhere: at another endpoint, or nowhere, and not here. may_back_off: does a reason (outcome.BACKOFFS) count?
function _M.failure(attempt, failure, now_ms, is_counted_elsewhere, may_back_off)
  local consequence = outcome.CLASSES[failure.class]
  if consequence.counts and not is_counted_elsewhere then
    breakers.failure(attempt, failure, now_ms)
  else
    breakers.release(attempt, now_ms)
  end
  local kind = failure.reason == standby.WAKING and outcome.WAKING or consequence.backoff
    or may_back_off and outcome.BACKOFFS[failure.reason] or nil
  if consequence.is_fault or kind then
    local needs_digest = kind == "refused" or kind == "blocked"
    backoffs.failure(attempt, kind, failure, now_ms, needs_digest and digest.of_request(attempt.asking) or nil)
  end
  if attempt.policy.is_adaptive then
    concurrency_limits.failed(attempt, failure, now_ms)
  end
  count_failure(attempt, failure.class)
  count_status(attempt)
  metrics.observe(labels(attempt).durations[values.error_type(failure.class)], (now_ms - attempt.started_ms) / 1000)
  attempt.ended_ms, attempt.class = now_ms, failure.class
  accounts.failed(attempt, failure)
end


-- It was given up and says nothing about its endpoint. why: ClientGone (its caller went away, or the router failed
-- itself) or Outpaced (the endpoint that got the request beside it was faster).
function _M.abandoned(attempt, why, now_ms)
  breakers.release(attempt, now_ms)
  count_failure(attempt, why)
  count_status(attempt)
  attempt.ended_ms, attempt.class = now_ms, why
  accounts.given_up(attempt, why)
end


-- Its caller went while the answer was passed on.
function _M.left(attempt, now_ms)
  _M.abandoned(attempt, "ClientGone", now_ms)
end


function _M.release(attempt)
  pending_latency.over(attempt)
  if attempt.holds_slot then
    attempt.holds_slot = false
    in_flight.release(attempt.endpoint.id)
    if attempt.keyed ~= attempt.endpoint then
      in_flight.release(attempt.keyed.id)
    end
    queue.freed()
  end
end


-- Another endpoint continues an answer that broke off. How: Continue or Restart.
function _M.recovery(attempt)
  metrics.count(metrics.series("poolkeeper_stream_recoveries_total", attempt.endpoint.name, attempt.recovers))
end


local failover_series = {} -- from, to and reason -> series

function _M.failover(from, to, reason)
  local family, key = "poolkeeper_failovers_total", ("%s %s %s"):format(from.name, to.name, reason)
  failover_series[key] = failover_series[key]
    or metrics.series(family, from.name, lumped(from.bounds, family, to.name), reason)
  metrics.count(failover_series[key])
end


return _M
