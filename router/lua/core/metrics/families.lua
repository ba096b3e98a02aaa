-- Every metric of a router: what it means, its labels, the bounds of a histogram. docs/reference/metrics.md is made of it.

-- Upper bounds, in the unit that the family's name ends in; of tokens and attempts, their number.
local FIRST_TOKEN_BUCKETS = { 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 3, 5, 7.5, 10, 20,
                              30, 60 }
local DURATION_BUCKETS = { 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
                           163.84, 327.68 }
local PER_TOKEN_BUCKETS = { 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5 }
local QUEUE_BUCKETS = { 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120 }
local TOKEN_BUCKETS = { 1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304 }
local ATTEMPT_BUCKETS = { 0, 1, 2, 3, 4, 5, 8, 16 }
local LAG_BUCKETS = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5 }

-- family -> {type, help, labels, buckets of a histogram}
local FAMILIES = {
  -- what callers got
  poolkeeper_requests_total = {
    "counter", "Requests of callers, by API and status code.",
    { "surface", "code" },
  },
  poolkeeper_responses_total = {
    "counter", "What callers of an API got, by model and client.",
    { "model", "client", "outcome" },
  },
  poolkeeper_request_first_token_seconds = {
    "histogram", "From a streamed request's arrival to the first content that its caller gets, failed attempts included.",
    { "model" }, FIRST_TOKEN_BUCKETS,
  },
  poolkeeper_request_duration_seconds = {
    "histogram", "From a request's arrival to the end of its whole answer, failed attempts included.",
    { "model", "mode" }, DURATION_BUCKETS,
  },
  poolkeeper_request_attempts = {
    "histogram", "Attempts of a request, the hedged one included; 0: no endpoint was asked.",
    { "model" }, ATTEMPT_BUCKETS,
  },
  poolkeeper_shed_total = {
    "counter", "Requests refused because there were too many, by code and client.",
    { "code", "client" },
  },
  poolkeeper_fallback_responses_total = {
    "counter", "Requests that got a fallback, by kind.",
    { "kind" },
  },
  poolkeeper_repaired_requests_total = {
    "counter", "Requests that every endpoint refused in their form and one was asked again in another.",
    { "what" },
  },
  poolkeeper_first_choice_total = {
    "counter", "Requests, by what the endpoint would have made of them that is the first choice for their model.",
    { "model", "outcome" },
  },
  -- attempts
  poolkeeper_attempts_total = {
    "counter", "Attempts on an endpoint.",
    { "endpoint", "gen_ai_request_model" },
  },
  poolkeeper_upstream_errors_total = {
    "counter", "Failed attempts, by class; ClientGone and Outpaced are no fault of the endpoint.",
    { "endpoint", "gen_ai_request_model", "class" },
  },
  poolkeeper_upstream_responses_total = {
    "counter", "Ended exchanges with an endpoint, by the HTTP status of its answer.",
    { "endpoint", "status" },
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
  poolkeeper_prefill_proofs_total = {
    "counter", "Questions whether an endpoint continues a given beginning of an answer, by what it showed. Asked only where "
      .. "the provider's API does not say.",
    { "endpoint", "result" },
  },
  poolkeeper_stream_recoveries_total = {
    "counter", "Streams that broke off and were continued, by how.",
    { "endpoint", "how" },
  },
  gen_ai_server_time_to_first_token_seconds = {
    "histogram", "From a streamed attempt's start to its first content.",
    { "endpoint", "gen_ai_request_model", "gen_ai_operation_name", "gen_ai_provider_name" }, FIRST_TOKEN_BUCKETS,
  },
  gen_ai_server_request_duration_seconds = {
    "histogram", "From an attempt's start to the end of its answer, or to its failure.",
    { "endpoint", "gen_ai_request_model", "gen_ai_operation_name", "gen_ai_provider_name", "error_type" },
    DURATION_BUCKETS,
  },
  gen_ai_server_time_per_output_token_seconds = {
    "histogram", "Time per output token after the first.",
    { "endpoint", "gen_ai_request_model", "gen_ai_operation_name", "gen_ai_provider_name" }, PER_TOKEN_BUCKETS,
  },
  -- tokens and money
  gen_ai_client_token_usage = {
    "histogram", "Tokens of a complete answer, as the provider counts them.",
    { "endpoint", "gen_ai_request_model", "gen_ai_token_type" }, TOKEN_BUCKETS,
  },
  gen_ai_client_token_usage_token = {
    "summary", "The same, under the name and labels of OpenTelemetry's exporters.",
    { "gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_response_model",
      "gen_ai_token_type" },
  },
  poolkeeper_tokens_total = {
    "counter", "Tokens of all attempts, by what became of them. What no provider has counted is estimated.",
    { "endpoint", "type", "kind" },
  },
  poolkeeper_client_tokens_total = {
    "counter", "Tokens of all attempts, by client and model. What no provider has counted is estimated.",
    { "client", "model", "type" },
  },
  poolkeeper_cost_total = {
    "counter", "Cost of all attempts, by the declared prices.",
    { "endpoint", "currency" },
  },
  poolkeeper_spend_total = {
    "counter", "The same, by model and by what became of the attempt.",
    { "endpoint", "model", "kind", "currency" },
  },
  poolkeeper_client_spend_total = {
    "counter", "The same, by client and model.",
    { "client", "model", "currency" },
  },
  -- endpoints
  poolkeeper_active_tier = {
    "gauge", "The lowest tier that can serve a model now; -1: none can.",
    { "model" },
  },
  poolkeeper_breaker_transitions_total = {
    "counter", "Changes of a circuit breaker's state.",
    { "endpoint", "model", "from", "to", "reason" },
  },
  poolkeeper_global_breaker_state = {
    "gauge", "The pool breaker: 0 closed, 1 half-open, 2 open.",
    {},
  },
  poolkeeper_endpoint_balance = {
    "gauge", "What is left on the account of an endpoint, as its last health check said; where the provider says it.",
    { "endpoint", "currency" },
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
  poolkeeper_endpoint_unavailable_since_seconds = {
    "gauge", "Since when a cause keeps requests from an endpoint, half-open requests or not; 0: it does not.",
    { "endpoint", "cause" },
  },
  poolkeeper_health_checks_total = {
    "counter", "Health checks, by result; Spared: skipped, recent traffic was enough.",
    { "endpoint", "result" },
  },
  poolkeeper_substitutions_total = {
    "counter", "Answers from another model than the one that was requested, by its name in the answer.",
    { "endpoint", "model" },
  },
  poolkeeper_upstream_changes_total = {
    "counter", "Answers with another fingerprint, or of another provider behind the endpoint, than the one before.",
    { "endpoint", "what" },
  },
  poolkeeper_endpoint_weight = {
    "gauge", "Current weight of an endpoint in balancing.",
    { "endpoint" },
  },
  poolkeeper_credential_since_seconds = {
    "gauge", "Since when this router has an endpoint's API key as it is now, or misses it.",
    { "endpoint" },
  },
  poolkeeper_key_unavailable_since_seconds = {
    "gauge", "Since when one of an endpoint's several API keys is left out for a reason; 0: it is not.",
    { "endpoint", "key", "reason" },
  },
  poolkeeper_key_in_flight = {
    "gauge", "Requests in flight with one of an endpoint's several API keys.",
    { "endpoint", "key" },
  },
  poolkeeper_key_balance = {
    "gauge", "Credit left on the account of one of an endpoint's several API keys, by the last balance check.",
    { "endpoint", "key", "currency" },
  },
  -- load
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
    "histogram", "How long requests waited in the queue, by priority and by how the wait ended.",
    { "priority", "outcome" }, QUEUE_BUCKETS,
  },
  -- the router itself
  poolkeeper_config_generation = {
    "gauge", "Generation of the current document.",
    {},
  },
  poolkeeper_config_info = {
    "gauge", "1; the pool and the content hash of the current document.",
    { "pool", "hash" },
  },
  poolkeeper_config_refused = {
    "gauge", "1 if the router rejected the newest document.",
    {},
  },
  poolkeeper_start_time_seconds = {
    "gauge", "When the router began to count.",
    {},
  },
  poolkeeper_worker_restarts_total = {
    "counter", "Worker processes that ended and were started again; each lost up to half a second of counts.",
    {},
  },
  poolkeeper_worker_memory_bytes = {
    "gauge", "Resident memory of a worker process.",
    { "worker" },
  },
  poolkeeper_event_loop_lag_seconds = {
    "histogram", "How late a timer of ten times a second was: so long did one task hold a worker.",
    {}, LAG_BUCKETS,
  },
  poolkeeper_series_dropped_total = {
    "counter", "Counts without a place: the router holds 65536 series at most.",
    {},
  },
}

return FAMILIES
