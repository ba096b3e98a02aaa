-- The admin port: alive, ready, metrics, and /state, the operator's only view of this router. Says classes and reasons,
-- never a provider's words, never a key.

local clock = require "nginx.shared.clock"
local balancer = require "nginx.balancing.balancer"
local breakers = require "nginx.endpoint.breakers"
local cjson = require "cjson.safe"
local pool_breaker = require "nginx.endpoint.pool_breaker"
local cold_standby = require "nginx.balancing.cold_standby"
local failback_holds = require "nginx.balancing.failback_holds"
local encode = require "core.json.encode"
local endpoint_summary = require "nginx.balancing.endpoint_summary"
local credentials = require "nginx.endpoint.credentials"
local concurrency_limits = require "nginx.balancing.concurrency_limits"
local respond = require "nginx.shared.respond"
local backoffs = require "nginx.endpoint.backoffs"
local in_flight = require "nginx.endpoint.in_flight"
local state = require "nginx.shared.state"
local notices = require "nginx.endpoint.notices"
local substitutions = require "nginx.endpoint.substitutions"
local document_sync = require "nginx.document_sync"
local scrape = require "nginx.scrape"

local NULL = encode.NULL
local NONE = {}
local ngx = ngx

local _M = {}

local function rfc3339(own_ms)
  if not own_ms or own_ms <= 0 then
    return NULL
  end
  return os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(clock.to_wall_ms(own_ms) / 1000))
end


local function percent(window)
  local total = window.ok + window.failed
  return total > 0 and math.floor(window.failed * 1000 / total + 0.5) / 10 or 0
end


-- Not which Secret it is of: everybody who reaches this port may read that, and the operator knows it.
local function secret_message(endpoint, known)
  local file = known.key.missing and endpoint.credential.file
  for _, key in ipairs(known.keys or NONE) do
    file = file or key.reason == "SecretNotFound" and key.file
  end
  return file and ("key file credentials/%s missing or empty"):format(file) or nil
end


-- Each key of an endpoint that has several, by its place in the list and the name of its file. reason: why it is left out.
local function keys_of(known)
  local keys = {}
  for i, key in ipairs(known.keys or NONE) do
    keys[i] = { key = key.number, file = key.file, reason = key.reason or "", since = rfc3339(key.since_ms),
                retryAt = rfc3339(key.retry_at_ms), inFlight = in_flight.in_flight(key.keyed.id) }
  end
  return encode.list(keys)
end


-- The states of an endpoint's circuits for people, and their windows summed up.
local function circuits_of(endpoint, records, now_ms)
  local models, window = {}, { ok = 0, failed = 0 }
  for i, route in ipairs(endpoint.models) do
    local record = records[i]
    local seen = breakers.window(endpoint.routes[route.name].circuit, endpoint.policy.circuit_breaker, now_ms)
    local another, another_since_ms = substitutions.of(endpoint, route.name)
    local notice, notice_since_ms = notices.of(endpoint, route.name)
    models[i] = {
      name = route.name, breaker = record.state, reason = record.reason, since = rfc3339(record.since_ms),
      retryAt = record.state == "Open" and rfc3339(record.retry_at_ms) or NULL,
      answeredBy = another or NULL, answeredBySince = rfc3339(another_since_ms),
      notice = notice or NULL, noticeSince = rfc3339(notice_since_ms),
    }
    window.ok, window.failed = window.ok + math.max(0, seen.ok), window.failed + seen.failed
  end
  return models, window
end


-- The weight adjustment by probes, until it expires.
local function advice_of(advice, now_ms)
  if not advice or now_ms >= advice.until_ms then
    return NULL
  end
  return { weightPercent = advice.weight_percent, reason = advice.reason, ["until"] = rfc3339(advice.until_ms) }
end


-- The results of health checks, and what the last bad one found.
local function checks_of(record)
  return { state = record.state, since = rfc3339(record.since_ms), lastFailure = record.failed_at_ms > 0
           and { result = record.result, at = rfc3339(record.failed_at_ms) } or NULL }
end


-- The requests that have failed since the last good answer; null: none.
local function row_of(row)
  return row.attempts > 0 and { since = rfc3339(row.since_ms), attempts = row.attempts, lastAt = rfc3339(row.at_ms) } or NULL
end


-- An endpoint as /state reports it, and the attempts of its windows.
local function view_of(doc, endpoint, now_ms)
  local known = endpoint_summary.of(doc, endpoint, now_ms)
  local shown, record, checked = known.summary, known.backoff, known.check
  local models, window = circuits_of(endpoint, known.circuits, now_ms)
  local latency_ms = backoffs.latency_ms(endpoint, now_ms)
  return {
    name = endpoint.name, fingerprint = endpoint.fingerprint, tier = endpoint.tier, region = endpoint.region,
    health = shown.health, breaker = shown.breaker, reason = shown.reason,
    message = secret_message(endpoint, known), keys = keys_of(known),
    since = rfc3339(shown.since_ms), retryAt = rfc3339(shown.retry_at_ms),
    weight = math.floor(balancer.weight_of(endpoint, now_ms) * 10 + 0.5) / 10,
    inFlight = in_flight.in_flight(endpoint.id), maxConnections = endpoint.max_connections,
    limit = concurrency_limits.ceiling(endpoint, record, now_ms), isAwaited = cold_standby.is_awaited(endpoint),
    ttftMs = latency_ms and math.floor(latency_ms + 0.5) or NULL,
    errorRatePercent = percent(window),
    lastError = record.error_class ~= "" and { class = record.error_class, cause = record.error_cause,
                at = rfc3339(record.error_at_ms) } or NULL,
    failing = row_of(record.row), models = encode.list(models), advice = advice_of(endpoint.advice, now_ms),
    healthCheck = checked and checks_of(checked) or NULL, keyChangedAt = rfc3339(known.key.changed_ms),
  }, window
end


local function transitions()
  local found = state.transitions()
  for i, entry in ipairs(found) do
    found[i] = { sequence = entry.sequence, at = rfc3339(entry.at_ms), endpoint = entry.endpoint, model = entry.model,
                 key = entry.key or NULL, from = entry.from, to = entry.to, reason = entry.reason }
  end
  return encode.list(found)
end


-- The held tiers by model, until somebody runs `failback`, and the last token of that command.
local function held(doc)
  local found = {}
  for _, model in ipairs(doc.policy.failback.is_manual and doc.models or {}) do
    local tier = failback_holds.tier(doc, model)
    if tier then
      found[#found + 1] = { model = model, tier = tier }
    end
  end
  return { toldAt = doc.policy.failback.told_at, held = encode.list(found) }
end


local function clients_without_key(doc)
  local without = doc.access.mode == "Keys" and credentials.clients_without_key(doc) or {}
  for i, client in ipairs(without) do
    without[i] = { name = client.name, since = rfc3339(client.since_ms), problem = client.problem,
                   sharedWith = client.shared_with or NULL }
  end
  return encode.list(without)
end


local function refused_config()
  local text = state.refused()
  return { refused = text and cjson.decode(text) or NULL }
end


-- The pool breaker; without one, the attempts of all endpoints together.
local function global_view(doc, now_ms, attempts)
  local record, window = pool_breaker.view(doc, now_ms)
  return { breaker = record.state, errorRatePercent = percent(doc.guard_policy and window or attempts),
           since = rfc3339(record.since_ms), retryAt = rfc3339(pool_breaker.retry_at_ms()) }
end


local function whole_state(doc, now_ms)
  local endpoints, total = {}, { ok = 0, failed = 0 }
  for i, endpoint in ipairs(doc.endpoints) do
    local view, window = view_of(doc, endpoint, now_ms)
    endpoints[i] = view
    total.ok, total.failed = total.ok + window.ok, total.failed + window.failed
  end
  local tier, unserved = balancer.active_tier(doc, now_ms)
  return {
    pool = doc.pool, generation = doc.generation, configHash = doc.hash, ready = true,
    activeTier = tier or NULL, unservedModels = encode.list(unserved), failback = held(doc),
    global = global_view(doc, now_ms, total),
    endpoints = encode.list(endpoints), clientsWithoutKey = clients_without_key(doc), config = refused_config(),
    transitions = transitions(), workers = ngx.worker.count(),
  }
end


function _M.state()
  local doc, now_ms = document_sync.current(), clock.now_ms()
  if not doc then
    return respond.json(200, encode.encode({
      pool = "", generation = 0, configHash = "", ready = false, activeTier = NULL, endpoints = encode.list({}),
      config = refused_config(), transitions = encode.list({}), workers = ngx.worker.count(),
    }))
  end
  return respond.json(200, encode.encode(whole_state(doc, now_ms)))
end


_M.metrics = scrape.serve


function _M.ready()
  if document_sync.current() then
    return respond.json(200, '{"ready":true}')
  end
  return respond.json(503, '{"ready":false}')
end


function _M.healthy()
  return respond.json(200, '{"healthy":true}')
end


return _M
