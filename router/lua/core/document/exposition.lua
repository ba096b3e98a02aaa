-- Prometheus' text format: the metric families, what each means, its labels, and its series in a stable order.

local _M = {}

-- Upper bounds, in the unit that the family's name ends in; of tokens, their number.
local FIRST_TOKEN_BUCKETS = { 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20,
                              30, 60 }
local DURATION_BUCKETS = { 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
                           163.84, 327.68 }
local PER_TOKEN_BUCKETS = { 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5 }
local QUEUE_BUCKETS = { 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120 }
local TOKEN_BUCKETS = { 1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304 }

-- family -> {type, help, labels, buckets of a histogram}; docs/reference/metrics.md is made of it
_M.FAMILIES = {
  poolkeeper_requests_total = {
    "counter", "Requests of callers, by API and status code.",
    { "surface", "code" },
  },
  poolkeeper_shed_total = {
    "counter", "Requests refused because there were too many, by code and client.",
    { "code", "client" },
  },
  poolkeeper_attempts_total = {
    "counter", "Attempts on an endpoint.",
    { "endpoint", "gen_ai_request_model" },
  },
  poolkeeper_upstream_errors_total = {
    "counter", "Failed attempts, by class; ClientGone and Outpaced are no fault of the endpoint.",
    { "endpoint", "gen_ai_request_model", "class" },
  },
  poolkeeper_failovers_total = {
    "counter", "Attempts on another endpoint because one failed.",
    { "from", "to", "reason" },
  },
  poolkeeper_affinity_broken_total = {
    "counter", "Conversations that moved to another endpoint than the turn before.",
    { "endpoint" },
  },
  poolkeeper_hedges_total = {
    "counter", "Requests sent to a second endpoint because the first was slow.",
    { "endpoint" },
  },
  poolkeeper_stream_recoveries_total = {
    "counter", "Streams that broke off and were continued, by how.",
    { "endpoint", "how" },
  },
  poolkeeper_repaired_requests_total = {
    "counter", "Requests that every endpoint refused in their form and one was asked again in another.",
    { "what" },
  },
  poolkeeper_cost_total = {
    "counter", "Cost of complete answers, by the declared prices.",
    { "endpoint", "currency" },
  },
  poolkeeper_breaker_transitions_total = {
    "counter", "Changes of a circuit breaker's state.",
    { "endpoint", "model", "from", "to", "reason" },
  },
  poolkeeper_global_breaker_state = {
    "gauge", "The pool breaker: 0 closed, 1 half-open, 2 open.",
    {},
  },
  poolkeeper_fallback_responses_total = {
    "counter", "Requests that got a fallback, by kind.",
    { "kind" },
  },
  poolkeeper_endpoint_breaker_state = {
    "gauge", "0 closed, 1 half-open, 2 open.",
    { "endpoint", "gen_ai_request_model" },
  },
  poolkeeper_endpoint_info = {
    "gauge", "1; joins provider, region and tier to the other series of an endpoint.",
    { "endpoint", "provider", "region", "tier" },
  },
  poolkeeper_endpoint_health = {
    "gauge", "1 healthy, 0 unhealthy, 0.5 not known yet.",
    { "endpoint" },
  },
  poolkeeper_health_checks_total = {
    "counter", "Health checks, by result; Spared: skipped, recent traffic was enough.",
    { "endpoint", "result" },
  },
  poolkeeper_endpoint_weight = {
    "gauge", "Current weight of an endpoint in balancing.",
    { "endpoint" },
  },
  poolkeeper_in_flight = {
    "gauge", "Requests in flight on an endpoint.",
    { "endpoint" },
  },
  poolkeeper_max_connections = {
    "gauge", "An endpoint's share of maxConnections, on this router.",
    { "endpoint" },
  },
  poolkeeper_concurrency_limit = {
    "gauge", "Current limit of requests in flight at an endpoint, on this router.",
    { "endpoint" },
  },
  poolkeeper_client_in_flight = {
    "gauge", "Requests of a client in flight on this router.",
    { "client" },
  },
  poolkeeper_client_max_connections = {
    "gauge", "Limit of requests in flight of a client, on this router.",
    { "client" },
  },
  poolkeeper_queue_depth = {
    "gauge", "Requests in the queue of this router, by priority.",
    { "priority" },
  },
  poolkeeper_queue_wait_seconds = {
    "histogram", "How long requests waited in the queue, served or not, by priority.",
    { "priority" }, QUEUE_BUCKETS,
  },
  poolkeeper_config_generation = {
    "gauge", "Generation of the current document.",
    {},
  },
  poolkeeper_config_refused = {
    "gauge", "1 if the router rejected the newest document.",
    {},
  },
  gen_ai_server_time_to_first_token_seconds = {
    "histogram", "From a streamed attempt's start to its first content.",
    { "endpoint", "gen_ai_request_model" }, FIRST_TOKEN_BUCKETS,
  },
  gen_ai_server_request_duration_seconds = {
    "histogram", "From an attempt's start to the end of its answer.",
    { "endpoint", "gen_ai_request_model" }, DURATION_BUCKETS,
  },
  gen_ai_server_time_per_output_token_seconds = {
    "histogram", "Time per output token after the first.",
    { "endpoint", "gen_ai_request_model" }, PER_TOKEN_BUCKETS,
  },
  gen_ai_client_token_usage = {
    "histogram", "Tokens of an answer, as the provider counts them.",
    { "endpoint", "gen_ai_request_model", "gen_ai_token_type" }, TOKEN_BUCKETS,
  },
}

local PARTS = { "_bucket", "_sum", "_count" }


local function family_of(series)
  local name = series:match("^[%w_]+")
  if _M.FAMILIES[name] then
    return name
  end
  for _, part in ipairs(PARTS) do
    local base = name:sub(1, -#part - 1)
    if name:sub(-#part) == part and _M.FAMILIES[base] then
      return base
    end
  end
end


-- Buckets belong in the order of their bounds, which is not the order of their text.
local function sort_key(series)
  local bound = series:match(',le="([^"]*)"')
  if not bound then
    return series
  end
  local number = bound == "+Inf" and math.huge or tonumber(bound)
  return (series:gsub(',le="[^"]*"', "")) .. ("%020.6f"):format(math.min(number, 1e12))
end


-- series: name with labels -> value
function _M.text(series)
  local by_family = {}
  for name, value in pairs(series) do
    local family = family_of(name)
    if family then
      by_family[family] = by_family[family] or {}
      table.insert(by_family[family], { key = sort_key(name), line = ("%s %.15g"):format(name, value) })
    end
  end
  local names, lines = {}, {}
  for family in pairs(by_family) do
    names[#names + 1] = family
  end
  table.sort(names)
  for _, family in ipairs(names) do
    lines[#lines + 1] = ("# HELP %s %s"):format(family, _M.FAMILIES[family][2])
    lines[#lines + 1] = ("# TYPE %s %s"):format(family, _M.FAMILIES[family][1])
    table.sort(by_family[family], function(a, b) return a.key < b.key end)
    for _, one in ipairs(by_family[family]) do
      lines[#lines + 1] = one.line
    end
  end
  return table.concat(lines, "\n") .. "\n"
end


return _M
