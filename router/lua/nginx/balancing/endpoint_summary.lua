-- All that is known of an endpoint now, in the words of core/health/summary.lua: what /state reports and /metrics measures.

local backoffs = require "nginx.endpoint.backoffs"
local breaker = require "core.health.breaker"
local breakers = require "nginx.endpoint.breakers"
local candidates = require "nginx.balancing.candidates"
local credentials = require "nginx.endpoint.credentials"
local health_records = require "nginx.endpoint.health_records"
local substitutions = require "nginx.endpoint.substitutions"
local summary = require "core.health.summary"

local _M = {}


-- The records of its circuits, in the order of its models.
function _M.circuits(doc, endpoint, now_ms)
  local records, policy = {}, endpoint.policy.circuit_breaker
  for i, route in ipairs(endpoint.models) do
    local record = breakers.record(endpoint.routes[route.name].circuit)
    if record.state == "Open" and candidates.is_last_resort(candidates.anybodys(doc, route.name), now_ms) then
      record = breaker.as_last_resort(record, policy)
    end
    records[i] = record
  end
  return records
end


-- A model that another one answers for is there under its own word (WrongModel).
local function has_substitute(endpoint)
  for _, model in ipairs(endpoint.model_names) do
    if substitutions.of(endpoint, model) then
      return true
    end
  end
  return false
end


-- {summary, circuits, backoff, key, check (nil: it is not checked)}
function _M.of(doc, endpoint, now_ms)
  local key, record = credentials.of(endpoint), backoffs.record(endpoint)
  local checked = endpoint.check_key and health_records.record(endpoint)
  local circuits = _M.circuits(doc, endpoint, now_ms)
  local found = summary.of({
    mode = endpoint.mode, weight = endpoint.weight, is_off_schedule = endpoint.weight_now == 0,
    key = not key.missing and key.version or nil,
    key_since_ms = key.since_ms, backoff = record, models = endpoint.model_names, circuits = circuits,
    all_asked = not has_substitute(endpoint) and endpoint.all_asked or nil,
    long_backoff_ms = endpoint.policy.circuit_breaker.max_recovery_timeout_ms,
    advice = endpoint.advice, check = checked,
  }, now_ms)
  return { summary = found, circuits = circuits, backoff = record, key = key, check = checked }
end


return _M
