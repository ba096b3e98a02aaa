-- All that is known of an endpoint now, in the words of core/health/summary.lua: what /state reports and /metrics measures.

local backoffs = require "nginx.endpoint.backoffs"
local breaker = require "core.health.breaker"
local breakers = require "nginx.endpoint.breakers"
local candidates = require "nginx.balancing.candidates"
local credentials = require "nginx.endpoint.credentials"
local key_choice = require "nginx.balancing.key_choice"
local all_out = require("core.balancing.key_choice").all_out
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


-- Of several keys: the newest.
local function newest(endpoint)
  local found = { version = "", since_ms = 0 }
  for _, keyed in ipairs(endpoint.keys) do
    local key = credentials.of(keyed)
    found.since_ms = math.max(found.since_ms, key.since_ms)
    found.changed_ms = key.changed_ms and math.max(found.changed_ms or 0, key.changed_ms) or found.changed_ms
  end
  return found
end


-- {summary, circuits, backoff, key, keys (nil: it has not several), keys_out (nil: one may be used), check (nil: it is not
-- checked)}
function _M.of(doc, endpoint, now_ms)
  local keys = key_choice.states(endpoint, now_ms)
  local keys_out = keys and all_out(keys)
  local key, record = keys and newest(endpoint) or credentials.of(endpoint), backoffs.record(endpoint)
  local checked = endpoint.check_key and health_records.record(endpoint)
  local circuits = _M.circuits(doc, endpoint, now_ms)
  local found = summary.of({
    mode = endpoint.mode, weight = endpoint.weight, is_off_schedule = endpoint.weight_now == 0,
    key = not key.missing and key.version or nil,
    key_since_ms = key.since_ms, keys_out = keys_out, backoff = record, models = endpoint.model_names,
    circuits = circuits,
    all_asked = not has_substitute(endpoint) and endpoint.all_asked or nil,
    long_backoff_ms = endpoint.policy.circuit_breaker.max_recovery_timeout_ms,
    advice = endpoint.advice, check = checked,
  }, now_ms)
  return { summary = found, circuits = circuits, backoff = record, key = key,
           keys = keys, keys_out = keys_out, check = checked }
end


return _M
