-- The results of health checks of the endpoints, in shared memory, and what one more result changes: the record that
-- balancing reads (core/health/check_state.lua), what excluded an endpoint (core/health/backoff.lua), open circuits.

local check_types = require "core.health.check_types"
local breakers = require "nginx.endpoint.breakers"
local check_state = require "core.health.check_state"
local metrics = require "nginx.shared.metrics"
local backoffs = require "nginx.endpoint.backoffs"
local state = require "nginx.shared.state"
local surfaces = require "core.protocol.surface"

local max = math.max
local ngx = ngx

local _M = {}

local PREFIX = "check:"
local CREDIT = "credit:" -- what is left on the account, by currency, as the last check said
local LISTED_INTERVALS = 3 -- so long a model that is not on the endpoint's list counts as missing, at least


-- The questions of an endpoint's checks, and the key of their record; neither when there are no checks.
function _M.prepare(endpoint, policy)
  endpoint.questions = policy.interval_ms > 0 and check_types.of(policy.type, endpoint.provider) or nil
  for _, keyed in ipairs(endpoint.keys) do
    keyed.check_key = endpoint.questions and PREFIX .. keyed.id
  end
  endpoint.check_key = endpoint.questions and PREFIX .. endpoint.id
  endpoint.upstream_names = {}
  for i, route in ipairs(endpoint.models) do
    endpoint.upstream_names[i] = route.upstream_name
  end
end


-- Of an endpoint with several keys: the best of theirs, because what one key cannot reach another one may.
function _M.record(endpoint)
  local best
  for i = 1, #endpoint.keys do
    local record = state.read(endpoint.keys[i].check_key, check_state.new)
    best = best and check_state.better(best, record) or record
  end
  return best
end


local function no_credit()
  return { by_currency = {} }
end


-- currency -> what is left on its account, where the provider says it. Of several keys: of the account that has least.
function _M.credit(endpoint)
  local least = {}
  for _, keyed in ipairs(endpoint.check_key and endpoint.keys or {}) do
    for currency, amount in pairs(state.read(CREDIT .. keyed.id, no_credit).by_currency) do
      least[currency] = math.min(least[currency] or amount, amount)
    end
  end
  return least
end


-- Do its checks exclude it? Then it gets no requests, unless no other endpoint can.
function _M.is_failing(endpoint)
  return endpoint.check_key and _M.record(endpoint).state == "Failing"
end


local function step(endpoint, event, result, now_ms)
  local context = { now_ms = now_ms, policy = endpoint.policy.health_check, result = result }
  local effects = state.update(endpoint.check_key, check_state.new, function(record)
    return check_state.step(record, event, context)
  end)
  local change = effects.transition
  if change then
    ngx.log(ngx.WARN, "health checks of endpoint ", endpoint.name, ": ", change.reason, " (", result, ")")
    state.log_transition({ at_ms = now_ms, endpoint = endpoint.name, model = "", key = endpoint.number,
                           from = change.from, to = change.to, reason = change.reason })
  end
end


-- The endpoint's models by its own list, under the pool's names: a model that is not listed is missing on every surface.
local function keep_list(endpoint, listed, now_ms)
  local is_there, policy = {}, endpoint.policy
  for _, route in ipairs(endpoint.models) do
    for surface in pairs(endpoint.places) do
      is_there[surfaces.asked({ name = surface }, route.name)] = listed[route.upstream_name]
    end
  end
  backoffs.listed(endpoint, is_there, max(policy.circuit_breaker.max_recovery_timeout_ms,
                                       LISTED_INTERVALS * policy.health_check.interval_ms), now_ms)
end


local function is_same(one, other)
  for currency, amount in pairs(one) do
    if other[currency] ~= amount then
      return false
    end
  end
  return true
end


-- What is left, by currency. It is written only when it has changed.
local function keep_credit(endpoint, credit)
  state.update(CREDIT .. endpoint.id, no_credit, function(record)
    local before = record.by_currency
    return is_same(before, credit) and is_same(credit, before) and record or { by_currency = credit }
  end)
end


-- A check has ended. endpoint: with the key that was used (keyed.lua), of the version key_version. `finding`: of
-- core/health/check_types.lua.
function _M.ended(endpoint, finding, key_version, now_ms)
  local result = finding.result
  metrics.count(metrics.series("poolkeeper_health_checks_total", endpoint.name, result))
  local event = check_state.EVENTS[result]
  if not event then
    return
  end
  step(endpoint, event, result, now_ms)
  if finding.credit then
    keep_credit(endpoint, finding.credit)
  end
  if finding.listed then
    keep_list(endpoint, finding.listed, now_ms)
  end
  if event == "refused" then
    backoffs.failure({ endpoint = endpoint.whole, keyed = endpoint, policy = endpoint.policy, key_version = key_version,
                       started_ms = now_ms, is_check = true }, "refused", { class = "Credential", reason = result }, now_ms)
    return
  end
  state.epoch()
  local record = _M.record(endpoint)
  if event == "good" and check_state.is_sure(record, endpoint.policy.health_check) then
    backoffs.proved(endpoint, finding.proves, now_ms)
    breakers.checks_passed(endpoint, record.failed_at_ms, now_ms)
  end
end


-- No check was needed: real requests were answered well meanwhile.
function _M.spared(endpoint, now_ms)
  metrics.count(metrics.series("poolkeeper_health_checks_total", endpoint.name, "Spared"))
  step(endpoint, "good", "Spared", now_ms)
end


-- Forgets the checks of endpoints that are not among ids.
function _M.sweep(ids)
  for _, prefix in ipairs({ PREFIX, CREDIT }) do
    state.sweep(prefix, function(id)
      return ids[id] ~= nil
    end)
  end
end


return _M
