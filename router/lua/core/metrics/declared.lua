-- Every series that a document bounds: they are in each scrape from the start, at 0, so that rate() and increase() lose no
-- first event. And the bound itself. A family that a large pool would give more than FAMILY_MAX series gets "other" in place
-- of the label that multiplies: of the model, of `to`, or of the clients that come late in the document.

local series = require "core.metrics.series"
local values = require "core.metrics.values"

local of, parts = series.of, series.parts

local _M = {}

local FAMILY_MAX = 4096
local OTHER = "other"
_M.OTHER = OTHER

-- Series of a family for each pair of an endpoint and a model; a histogram has one a bucket, and three more.
local PER_PAIR = {
  poolkeeper_attempts_total = 1,
  poolkeeper_substitutions_total = 1,
  poolkeeper_upstream_errors_total = #values.CLASSES,
  poolkeeper_breaker_transitions_total = #values.TRANSITIONS,
  poolkeeper_spend_total = #values.KINDS,
  gen_ai_client_token_usage = 2 * 15,
  gen_ai_client_token_usage_token = 2 * #values.TOKEN_TYPES,
  gen_ai_server_time_to_first_token_seconds = 22,
  gen_ai_server_request_duration_seconds = 19 * #values.ERROR_TYPES,
  gen_ai_server_time_per_output_token_seconds = 16,
}


-- Which families lump models together, whether failovers do so with their targets, and the label of each client.
function _M.bounds(doc)
  local bounds, pairs_count, endpoints = { lumps = {}, clients = {} }, 0, #doc.endpoints
  for _, endpoint in ipairs(doc.endpoints) do
    pairs_count = pairs_count + #endpoint.models
  end
  for family, count in pairs(PER_PAIR) do
    bounds.lumps[family] = pairs_count * count > FAMILY_MAX
  end
  bounds.lumps.poolkeeper_failovers_total = endpoints * (endpoints - 1) * #values.CLASSES > FAMILY_MAX
  local room = math.floor(FAMILY_MAX / ((#doc.models + 1) * #values.OUTCOMES)) - 2
  for i, client in ipairs(doc.access.mode == "Keys" and doc.access.clients or {}) do
    bounds.clients[client.name] = i <= room and client.name or OTHER
  end
  if doc.access.mode == "Open" then
    bounds.clients[""] = ""
  end
  return bounds
end


-- The label of a model (or of another multiplying value) in a family.
function _M.lumped(bounds, family, value)
  return bounds and bounds.lumps[family] and OTHER or value
end

local lumped = _M.lumped


local function histogram(add, ...)
  local one = parts(...)
  for i = 1, #one.buckets do
    add(one.buckets[i])
  end
  add(one.sum)
  add(one.count)
end


local function each_pair(doc, bounds, add, endpoint, model)
  local name, provider = endpoint.name, values.provider(endpoint.provider)
  local function in_family(family)
    return lumped(bounds, family, model)
  end
  add(of("poolkeeper_attempts_total", name, in_family("poolkeeper_attempts_total")))
  add(of("poolkeeper_substitutions_total", name, in_family("poolkeeper_substitutions_total")))
  for _, class in ipairs(values.CLASSES) do
    add(of("poolkeeper_upstream_errors_total", name, in_family("poolkeeper_upstream_errors_total"), class))
  end
  for _, change in ipairs(values.TRANSITIONS) do
    add(of("poolkeeper_breaker_transitions_total", name, in_family("poolkeeper_breaker_transitions_total"), change[1],
           change[2], change[3]))
  end
  histogram(add, "gen_ai_server_time_to_first_token_seconds", name,
            in_family("gen_ai_server_time_to_first_token_seconds"), values.CHAT, provider)
  histogram(add, "gen_ai_server_time_per_output_token_seconds", name,
            in_family("gen_ai_server_time_per_output_token_seconds"), values.CHAT, provider)
  for _, kind in ipairs(values.ERROR_TYPES) do
    histogram(add, "gen_ai_server_request_duration_seconds", name, in_family("gen_ai_server_request_duration_seconds"),
              values.CHAT, provider, kind)
  end
  for _, token_type in ipairs({ "input", "output" }) do
    histogram(add, "gen_ai_client_token_usage", name, in_family("gen_ai_client_token_usage"), token_type)
  end
  local family = "gen_ai_client_token_usage_token"
  local route = endpoint.routes and endpoint.routes[model]
  local upstream_name = lumped(bounds, family, route and route.upstream_name or model)
  for _, token_type in ipairs(values.TOKEN_TYPES) do
    histogram(add, family, values.CHAT, provider, in_family(family), upstream_name, token_type)
  end
  for _, kind in ipairs(endpoint.pricing and values.KINDS or {}) do
    add(of("poolkeeper_spend_total", name, in_family("poolkeeper_spend_total"), kind, endpoint.pricing.currency))
  end
end


local function each_endpoint(doc, bounds, add, endpoint)
  local name = endpoint.name
  for _, status in ipairs(values.STATUSES) do
    add(of("poolkeeper_upstream_responses_total", name, status))
  end
  for _, kind in ipairs(values.KINDS) do
    for _, token_type in ipairs(values.TOKEN_TYPES) do
      add(of("poolkeeper_tokens_total", name, token_type, kind))
    end
  end
  for _, how in ipairs({ "Continue", "Restart" }) do
    add(of("poolkeeper_stream_recoveries_total", name, how))
  end
  add(of("poolkeeper_affinity_broken_total", name))
  add(of("poolkeeper_upstream_changes_total", name, "fingerprint"))
  add(of("poolkeeper_upstream_changes_total", name, "provider"))
  add(of("poolkeeper_hedges_total", name))
  for _, result in ipairs(values.PROOFS) do
    add(of("poolkeeper_prefill_proofs_total", name, result))
  end
  if endpoint.pricing then
    add(of("poolkeeper_cost_total", name, endpoint.pricing.currency))
  end
  for _, result in ipairs(endpoint.check_key and values.CHECK_RESULTS or {}) do
    add(of("poolkeeper_health_checks_total", name, result))
  end
  for _, other in ipairs(doc.endpoints) do
    if other ~= endpoint then
      for _, class in ipairs(values.CLASSES) do
        add(of("poolkeeper_failovers_total", name, lumped(bounds, "poolkeeper_failovers_total", other.name), class))
      end
    end
  end
end


local function each_model(add, model)
  histogram(add, "poolkeeper_request_first_token_seconds", model)
  histogram(add, "poolkeeper_request_duration_seconds", model, "stream")
  histogram(add, "poolkeeper_request_duration_seconds", model, "whole")
  histogram(add, "poolkeeper_request_attempts", model)
  for _, kind in ipairs(values.FIRST_CHOICES) do
    add(of("poolkeeper_first_choice_total", model, kind))
  end
end


local function each_client(doc, add, client, currencies)
  for _, model in ipairs(doc.models) do
    for _, word in ipairs(values.OUTCOMES) do
      add(of("poolkeeper_responses_total", model, client, word))
    end
    for _, token_type in ipairs(values.TOKEN_TYPES) do
      add(of("poolkeeper_client_tokens_total", client, model, token_type))
    end
    for _, currency in ipairs(currencies) do
      add(of("poolkeeper_client_spend_total", client, model, currency))
    end
  end
  for _, word in ipairs(values.OUTCOMES) do
    add(of("poolkeeper_responses_total", OTHER, client, word))
  end
  for _, code in ipairs(values.SHED_CODES) do
    add(of("poolkeeper_shed_total", code, client))
  end
end


local function each_of_router(doc, add)
  for _, surface in ipairs(values.SURFACES) do
    for _, code in ipairs(values.CODES) do
      add(of("poolkeeper_requests_total", surface, code))
    end
  end
  for _, kind in ipairs({ "degraded", "cache", "default" }) do
    add(of("poolkeeper_fallback_responses_total", kind))
  end
  for _, what in ipairs(values.REPAIRS) do
    add(of("poolkeeper_repaired_requests_total", what))
  end
  for _, priority in ipairs(doc.policy.queue and doc.access.priorities or {}) do
    for _, how in ipairs(values.WAITS) do
      histogram(add, "poolkeeper_queue_wait_seconds", priority, how)
    end
  end
  if doc.guard_policy then
    for _, change in ipairs(values.POOL_TRANSITIONS) do
      add(of("poolkeeper_breaker_transitions_total", "", "", change[1], change[2], change[3]))
    end
  end
  add("poolkeeper_worker_restarts_total")
  add("poolkeeper_series_dropped_total")
  histogram(add, "poolkeeper_event_loop_lag_seconds")
end


-- Calls add(series) for each series of a prepared document; pause() now and then, for there may be ten thousands.
function _M.each(doc, bounds, add, pause)
  local currencies, clients = {}, { [OTHER] = true }
  for _, endpoint in ipairs(doc.endpoints) do
    if endpoint.pricing then
      currencies[endpoint.pricing.currency] = true
    end
    each_endpoint(doc, bounds, add, endpoint)
    for _, route in ipairs(endpoint.models) do
      each_pair(doc, bounds, add, endpoint, route.name)
    end
    pause()
  end
  for _, model in ipairs(doc.models) do
    each_model(add, model)
  end
  for _, label in pairs(bounds.clients) do
    clients[label] = true
  end
  currencies = values.sorted(currencies)
  for _, client in ipairs(values.sorted(clients)) do
    each_client(doc, add, client, currencies)
    pause()
  end
  each_of_router(doc, add)
end


return _M
