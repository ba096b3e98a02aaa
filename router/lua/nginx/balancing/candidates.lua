-- May an endpoint be used for a request, as far as is known, and the facts for the choice. Only reads; takes nothing.

local probe_advice = require "core.balancing.probe_advice"
local breaker = require "core.health.breaker"
local health_records = require "nginx.endpoint.health_records"
local breakers = require "nginx.endpoint.breakers"
local concurrency_limits = require "nginx.balancing.concurrency_limits"
local backoff = require "core.health.backoff"
local backoffs = require "nginx.endpoint.backoffs"
local in_flight = require "nginx.endpoint.in_flight"
local key_choice = require "nginx.balancing.key_choice"
local route_of = require("core.request.route").of
local surfaces = require "core.protocol.surface"
local pending_latency = require "nginx.balancing.pending_latency"
local weight = require "core.balancing.weight"

local math = math

local _M = {}

local NEVER_MS = math.huge
_M.NEVER_MS = NEVER_MS


-- The default question: a chat with any model, from any client.
function _M.anybodys(doc, model)
  local chat = surfaces.CHAT
  return { doc = doc, surface = chat, model = model, asked = surfaces.asked(chat, model), excluded = {},
           ignores_load = true }
end


local function soonest_retry_ms(request, endpoint, record, circuit_record, now_ms)
  local at_ms = math.max(backoff.retry_at_ms(record, request.model, now_ms), record.missing[request.asked] or 0,
                         key_choice.retry_at_ms(endpoint, request.model, now_ms))
  if circuit_record.state == "Open" then
    at_ms = math.max(at_ms, breaker.next_at_ms(circuit_record, endpoint.policy.circuit_breaker, request.is_last_resort))
  elseif circuit_record.state == "HalfOpen" then
    at_ms = math.max(at_ms, now_ms + 1000)
  end
  return at_ms > now_ms and at_ms or NEVER_MS
end


-- May the endpoint be used for the request, not looking at whether it has room? Else when it may be again, if that is known,
-- and why not: a word of core/balancing/exclusion.lua, and what was seen.
function _M.may_be(request, endpoint, route, now_ms)
  if endpoint.mode ~= "Active" then
    return false, NEVER_MS, endpoint.mode
  end
  if endpoint.weight_now == 0 then
    return false, NEVER_MS, endpoint.weight == 0 and "Drained" or "OffSchedule"
  end
  if request.needs and not endpoint.can[request.needs] then
    return false, NEVER_MS, "CapabilityMissing", request.needs
  end
  local word, because, key_at_ms = key_choice.obstacle(request, endpoint, now_ms)
  if word and word ~= "Backoff" then
    return false, key_at_ms, word, because
  end
  local record = backoffs.record(endpoint)
  local circuit_record = breakers.record(route.circuit)
  local is_missing = backoff.is_missing(record, request.asked, now_ms)
  if is_missing or word or now_ms < backoff.retry_at_ms(record, request.model, now_ms) then
    return false, soonest_retry_ms(request, endpoint, record, circuit_record, now_ms),
      is_missing and "ModelMissing" or "Backoff",
      not is_missing and (because or backoff.reason(record, request.model, now_ms)) or nil
  end
  if not breaker.may_admit(circuit_record, now_ms, endpoint.policy.circuit_breaker, request.is_last_resort) then
    return false, soonest_retry_ms(request, endpoint, record, circuit_record, now_ms), "Breaker" .. circuit_record.state,
      circuit_record.reason
  end
  return true, nil, record, circuit_record
end


-- Does the endpoint serve, as far as is known: not only single half-open requests?
function _M.serves(request, endpoint, route, now_ms)
  local is_usable, _, _, circuit_record = _M.may_be(request, endpoint, route, now_ms)
  return is_usable and circuit_record.state == "Closed"
    and not backoff.is_half_open(backoffs.record(endpoint), request.model, now_ms)
    and not (endpoint.keys[2] and key_choice.has_backoff(endpoint, request.model, now_ms))
    and not health_records.is_failing(endpoint), circuit_record
end


-- Could the endpoint answer, now or soon, as far as is known?
local function is_well(request, endpoint, route, now_ms)
  return breakers.record(route.circuit).state == "Closed" and key_choice.is_in_service(endpoint, now_ms)
    and not backoff.is_missing(backoffs.record(endpoint), request.asked, now_ms)
end


-- Are endpoints with an open breaker the request's last resort? Yes, when no other endpoint is well, not even one that
-- was tried already or is full. Then earlier outages do not make the wait longer.
function _M.is_last_resort(request, now_ms)
  local endpoints = request.doc.endpoints
  for i = 1, #endpoints do
    local endpoint = endpoints[i]
    local route = route_of(request, endpoint)
    if route and endpoint.mode == "Active" and endpoint.weight_now > 0 and is_well(request, endpoint, route, now_ms) then
      return false
    end
  end
  return true
end


-- The endpoint as a candidate of a choice. model: nil when the request names none.
function _M.fill(endpoint, model, record, circuit_record, now_ms)
  local candidate = endpoint.candidate
  candidate.in_flight = in_flight.in_flight(endpoint.id)
  candidate.max_connections = concurrency_limits.ceiling(endpoint, record, now_ms)
  candidate.latency_ms = weight.latency(backoffs.latency_ms(endpoint, now_ms), pending_latency.mean_ms(endpoint, now_ms),
                                        endpoint.base_latency_ms)
  candidate.is_half_open = circuit_record.state ~= "Closed" or model ~= nil and (backoff.is_half_open(record, model, now_ms)
    or endpoint.keys[2] ~= nil and key_choice.has_backoff(endpoint, model, now_ms))
  candidate.awaits_traffic = breaker.UNTRIED[circuit_record.reason]
  candidate.is_failing = health_records.is_failing(endpoint)
  candidate.recovered_at_ms = circuit_record.era > 0 and circuit_record.since_ms or 0
  candidate.ramp_since_ms = math.max(candidate.recovered_at_ms, endpoint.in_service_since_ms)
  if endpoint.advice then
    local percent = probe_advice.percent(endpoint.advice, now_ms)
    candidate.weight, candidate.is_out = endpoint.weight_now * percent / 100, percent == 0
  end
  return candidate
end


return _M
