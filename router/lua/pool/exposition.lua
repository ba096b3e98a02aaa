-- Prometheus' text format: which families there are, what each means, and their series in a stable order.

local _M = {}

-- family -> {type, help}
_M.FAMILIES = {
  poolkeeper_requests_total = { "counter", "Requests of callers, by surface and status code." },
  poolkeeper_shed_total = { "counter", "Requests turned away because there were too many, by code and client." },
  poolkeeper_attempts_total = { "counter", "Attempts on an endpoint." },
  poolkeeper_upstream_errors_total = { "counter", "Attempts that failed, by class; ClientGone and Outpaced are no fault." },
  poolkeeper_failovers_total = { "counter", "Attempts made on another endpoint because one failed." },
  poolkeeper_affinity_broken_total = { "counter", "Conversations that were answered elsewhere than the turn before." },
  poolkeeper_hedges_total = { "counter", "Requests that a second endpoint was asked for, because the first was slow." },
  poolkeeper_stream_recoveries_total = { "counter", "Streams that broke off and were gone on with, by how." },
  poolkeeper_cost_total = { "counter", "Cost of complete answers, by the declared prices." },
  poolkeeper_breaker_transitions_total = { "counter", "Changes of a circuit breaker's state." },
  poolkeeper_global_breaker_state = { "gauge", "The pool's own breaker: 0 closed, 1 half-open, 2 open." },
  poolkeeper_fallback_responses_total = { "counter", "Requests that no endpoint answered as asked, by what they got." },
  poolkeeper_endpoint_breaker_state = { "gauge", "0 closed, 1 half-open, 2 open." },
  poolkeeper_endpoint_info = { "gauge", "1; joins provider, region and tier to the other series of an endpoint." },
  poolkeeper_endpoint_health = { "gauge", "1 healthy, 0 unhealthy, 0.5 not known yet." },
  poolkeeper_health_checks_total = { "counter", "Health checks, by what they found; Spared: requests told enough." },
  poolkeeper_endpoint_weight = { "gauge", "Weight that an endpoint has in balancing now." },
  poolkeeper_in_flight = { "gauge", "Requests in flight on an endpoint." },
  poolkeeper_max_connections = { "gauge", "An endpoint's share of maxConnections, on this router." },
  poolkeeper_concurrency_limit = { "gauge", "Requests in flight that an endpoint may have now, on this router." },
  poolkeeper_client_in_flight = { "gauge", "Requests of a client in flight on this router." },
  poolkeeper_client_max_connections = { "gauge", "Requests in flight that a client may have, on this router." },
  poolkeeper_queue_depth = { "gauge", "Requests that wait for a place at an endpoint, on this router, by priority." },
  poolkeeper_queue_wait_seconds = { "histogram", "How long requests waited in the queue, served or not, by priority." },
  poolkeeper_config_generation = { "gauge", "Generation of the document being served." },
  poolkeeper_config_refused = { "gauge", "1 when the newest document was refused." },
  gen_ai_server_time_to_first_token_seconds = { "histogram", "From an attempt's start to its first content." },
  gen_ai_server_request_duration_seconds = { "histogram", "From an attempt's start to the end of its answer." },
  gen_ai_server_time_per_output_token_seconds = { "histogram", "Time per output token after the first." },
  gen_ai_client_token_usage = { "histogram", "Tokens of an answer, as the provider counts them." },
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
