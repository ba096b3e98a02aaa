-- All that is known of an endpoint now, in the words of core/health/summary.lua: what /state reports and /metrics measures.

local backoffs = require "nginx.endpoint.backoffs"
local breaker = require "core.health.breaker"
local breakers = require "nginx.endpoint.breakers"
local candidates = require "nginx.balancing.candidates"
local credentials = require "nginx.endpoint.credentials"
local health_records = require "nginx.endpoint.health_records"
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


-- {summary, circuits, backoff, key, check (nil: it is not checked)}
function _M.of(doc, endpoint, now_ms)
  local key, record = credentials.of(endpoint), backoffs.record(endpoint)
  local checked = endpoint.check_key and health_records.record(endpoint)
  local circuits = _M.circuits(doc, endpoint, now_ms)
  local found = summary.of({
    mode = endpoint.mode, weight = endpoint.weight, is_off_schedule = endpoint.weight_now == 0,
    key = not key.missing and key.version or nil,
    key_since_ms = key.since_ms, backoff = record, models = endpoint.model_names, circuits = circuits,
    advice = endpoint.advice, check = checked,
  }, now_ms)
  return { summary = found, circuits = circuits, backoff = record, key = key, check = checked }
end


return _M
