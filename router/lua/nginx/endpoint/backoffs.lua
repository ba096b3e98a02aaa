-- The backoffs of this router's endpoints, and how fast they answer: core/health/backoff.lua and core/balancing/weight.lua
-- over shared memory.

local backoff = require "core.health.backoff"
local limit_scope = require "core.error.limit_scope"
local outcome = require "core.error.outcome"
local state = require "nginx.shared.state"
local weight = require "core.balancing.weight"

local _M = {}

local PREFIX = "backoff:"

local latencies = {} -- id -> {average, at_ms, sampled_ms}: what this worker has seen, of its own and of shared samples
local LATENCY_FRESH_MS = 250
local OF_THE_KEY = { limited = true, refused = true } -- kinds that say something of the key, or of its account
local ANSWERED, ANSWERED_MS = "answered:", 1000
local answered = {} -- id of a key -> when this worker last noted an answer
local SAMPLE_MS = 20


function _M.record(endpoint)
  return state.read(endpoint.backoff_key, backoff.new)
end


function _M.key_of(id)
  return PREFIX .. id
end


-- key: which one of the endpoint's keys it is about, where there are several.
local function log_change(keyed, change, now_ms)
  if change then
    state.log_transition({ at_ms = now_ms, endpoint = keyed.name, model = "", key = keyed.number,
                           from = change.from, to = change.to, reason = change.reason })
  end
end


local function store_success(keyed, model, now_ms, started_ms)
  local change = state.update(keyed.backoff_key, backoff.new, function(record)
    return backoff.success(record, model, now_ms, started_ms)
  end)
  log_change(keyed, change, now_ms)
end


-- Nearly always nothing changes; the closure is in a function of its own because LuaJIT compiles none that makes one.
local function succeed(keyed, model, now_ms, started_ms)
  local seen = _M.record(keyed)
  if backoff.success(seen, model, now_ms, started_ms) ~= seen then
    store_success(keyed, model, now_ms, started_ms)
  end
end


local function note_answered(keyed, now_ms)
  if now_ms - (answered[keyed.id] or 0) >= ANSWERED_MS then
    answered[keyed.id] = now_ms
    state.note(ANSWERED .. keyed.id, now_ms)
  end
end


-- The attempt was answered well: its endpoint, and the key that it was sent with.
function _M.success(attempt, now_ms)
  local endpoint, keyed = attempt.endpoint, attempt.keyed
  succeed(endpoint, attempt.model, now_ms, attempt.started_ms)
  if keyed ~= endpoint then
    succeed(keyed, attempt.model, now_ms, attempt.started_ms)
    note_answered(keyed, now_ms)
  end
end


-- The model whose backoff a failure sets; nil: the account's. The backoff of an only model is the account's, too.
local function scope_of(attempt, kind, failure)
  local endpoint = attempt.endpoint
  if not attempt.route or not endpoint.models[2] then
    return nil
  end
  if kind == "limited" and limit_scope.is_accounts(endpoint.provider, failure, attempt.route.upstream_name) then
    return nil
  end
  return attempt.model
end


local function take_half_open(keyed, model, now_ms)
  return state.update(keyed.backoff_key, backoff.new, function(record)
    return backoff.admit(record, model, now_ms)
  end)
end


local function admit_one(keyed, model, now_ms)
  return not backoff.is_half_open(_M.record(keyed), model, now_ms) or take_half_open(keyed, model, now_ms)
end


-- Notes a half-open request where the endpoint, or the key, has a backoff; false when another request has taken it.
function _M.admit(attempt, now_ms)
  local endpoint, keyed, model = attempt.endpoint, attempt.keyed, attempt.model
  return admit_one(endpoint, model, now_ms) and (keyed == endpoint or admit_one(keyed, model, now_ms))
end


local function fail(keyed, kind, failure, context)
  local change = state.update(keyed.backoff_key, backoff.new, function(record)
    return backoff.failure(record, kind, failure, context)
  end)
  log_change(keyed, change, context.now_ms)
end


-- Does a failure of this kind say something of the attempt's key only, while its endpoint has others?
function _M.is_of_one_key(attempt, kind)
  return attempt.keyed ~= attempt.endpoint and OF_THE_KEY[kind] or false
end


-- kind: how its class backs off (core/error/outcome.lua) or nil. digest: of the request.
function _M.failure(attempt, kind, failure, now_ms, digest)
  local consequence, policy = outcome.CLASSES[failure.class], attempt.policy
  local context = {
    now_ms = now_ms, started_ms = attempt.started_ms, retry = policy.retry,
    long_backoff_ms = policy.circuit_breaker.max_recovery_timeout_ms,
    key = attempt.key_version or "", asked = attempt.asked, is_check = attempt.is_check, is_proved = attempt.is_proved,
    model = attempt.model, scope = scope_of(attempt, kind, failure), digest = digest,
    is_outage = not attempt.is_check and kind ~= outcome.WAKING and (consequence.counts or kind == "limited"),
  }
  if _M.is_of_one_key(attempt, kind) then
    context.is_outage = false
    fail(attempt.keyed, kind, failure, context)
    kind = nil
  end
  fail(attempt.endpoint, kind, failure, context)
end


-- A request that was refused with one key of an endpoint was answered with another: then it is the key, and not the request.
-- refused: the attempt that was. answered: the one that was not.
function _M.key_proved_bad(refused, answered_one, now_ms)
  if refused.endpoint == answered_one.endpoint and refused.model == answered_one.model then
    refused.is_proved = true
    _M.failure(refused, "refused", refused.refusal, now_ms)
  end
end


-- Health checks have passed often enough, and prove what they prove.
function _M.proved(keyed, proves, now_ms)
  log_change(keyed, state.update(keyed.backoff_key, backoff.new, function(record)
    return backoff.proved(record, proves)
  end), now_ms)
end


-- is_there: model -> boolean, by the endpoint's own list
function _M.listed(endpoint, is_there, long_backoff_ms, now_ms)
  local context = { now_ms = now_ms, long_backoff_ms = long_backoff_ms }
  state.update(endpoint.backoff_key, backoff.new, function(record)
    return backoff.listed(record, is_there, context)
  end)
end


local function shared_latency(id)
  local text = state.noted("latency:" .. id)
  if not text then
    return nil, 0
  end
  local average, at_ms = text:match("^(%S+) (%S+)$")
  return tonumber(average), tonumber(at_ms)
end


-- A successful attempt's time to first content. Samples that make nothing worse, one right after the other, say nothing new.
function _M.sample_latency(endpoint, sample_ms, now_ms)
  local known = latencies[endpoint.id]
  if known and known.average and now_ms - known.sampled_ms < SAMPLE_MS and sample_ms <= known.average then
    return
  end
  local average, at_ms = shared_latency(endpoint.id)
  average = weight.average(average, at_ms, sample_ms, now_ms)
  state.note("latency:" .. endpoint.id, ("%.1f %.0f"):format(average, now_ms))
  latencies[endpoint.id] = { average = average, at_ms = now_ms, sampled_ms = now_ms }
end


-- The average time to first content, a quarter of a second old at most; nil without samples.
function _M.latency_ms(endpoint, now_ms)
  local known = latencies[endpoint.id]
  if not known or now_ms - known.at_ms > LATENCY_FRESH_MS then
    local average = shared_latency(endpoint.id)
    known = { average = average, at_ms = now_ms, sampled_ms = known and known.sampled_ms or 0 }
    latencies[endpoint.id] = known
  end
  return known.average
end


-- When a request was last answered well, by any worker; 0: never.
function _M.answered_at_ms(keyed)
  if keyed ~= keyed.whole then
    return state.noted(ANSWERED .. keyed.id) or 0
  end
  local _, at_ms = shared_latency(keyed.id)
  return at_ms
end


function _M.sweep(ids)
  state.sweep(PREFIX, function(id)
    return ids[id] ~= nil
  end)
end


return _M
