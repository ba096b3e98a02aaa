-- A request, from the caller's bytes to the caller's answer: pick → try → classify → account → (again) → pass on.

local clock = require "shell.clock"
local access = require "shell.access"
local accounts = require "shell.accounts"
local affinity = require "shell.affinity"
local attempt_on = require "shell.attempt"
local balancer = require "shell.balancer"
local budget = require "shell.budget"
local cjson = require "cjson.safe"
local failures = require "shell.failures"
local headers = require "pool.headers"
local keys = require "shell.keys"
local models = require "pool.models"
local offers = require "pool.offers"
local recovery = require "shell.recovery"
local relay = require "shell.relay"
local request_body = require "pool.request"
local respond = require "shell.respond"
local retry = require "shell.retry"
local surfaces = require "pool.surface"
local sync = require "shell.sync"
local uuid = require "pool.uuid"

local ngx = ngx

local _M = {}

local CLIENT_HEADERS_MAX = 100
local RETRY_SOON_MS = 1000 -- what a caller is told when nobody knows better


-- Ends a request with an error made here.
local function refuse(request, status, code, message, wait_ms)
  if request.attempts > 0 then
    ngx.header["x-poolkeeper-attempts"] = request.attempts
  end
  ngx.header["x-request-id"] = request.id
  return respond.error(request.protocol, status, code, message, wait_ms)
end


local id_series, id_count -- nginx's own $request_id asks for 16 random bytes each time, a tenth of a request's cost here

local function new_id()
  if not id_series then
    id_series, id_count = uuid.series(ngx.var.request_id), 0
  end
  id_count = id_count + 1
  return uuid.counted(id_series, id_count)
end


-- What the caller and the providers know the request by: the caller's own id if it is a sane one. Providers get it only
-- as a UUID, for some refuse others.
local function request_ids(client_headers)
  local given = client_headers["x-request-id"]
  if type(given) ~= "string" or #given > 128 or not given:find("^[%w%-_.:]+$") then
    local id = new_id()
    return id, id
  end
  return given, uuid.is(given) and given or new_id()
end


-- What is known before the body is read; ngx.ctx holds it for the accounts of the log phase.
local function begin(surface, path)
  local client_headers = ngx.req.get_headers(CLIENT_HEADERS_MAX)
  local id, upstream_id = request_ids(client_headers)
  local request = {
    surface = surface, protocol = surface and surface.protocol or surfaces.protocol_at(path), id = id,
    upstream_id = upstream_id, client_headers = client_headers, attempts = 0, excluded = {}, tries = {}, doc = nil,
    attempt = nil, parsed = nil, conversation = nil, model = "", model_label = "", asked = "", choices = 1,
    wants_usage = true, forwarded = "", started_ms = 0, deadline_ms = 0, transcript = nil,
    is_prefill_refused = false, tier_wait_ms = 0,
  }
  ngx.ctx.request = request
  return request
end


-- Reads the body. Fills model, choices and wants_usage; a refusal ends the request.
local function read_body(request)
  local doc = request.doc
  ngx.req.read_body()
  local body = ngx.req.get_body_data()
  if not body then
    return refuse(request, 400, "invalid_json", "The request has no body; wanted a JSON object.")
  end
  local parsed, err = request_body.parse(body, cjson.decode, doc.models[1], request.surface)
  if not parsed then
    return refuse(request, 400, "invalid_json", "The body could not be read: " .. err .. ".")
  end
  if not doc.labels[parsed.model] then
    return refuse(request, 404, "model_not_found",
                  ("The model '%s' is not served here; known models: %s.")
                    :format(parsed.model:sub(1, 128), table.concat(doc.models, ", ")))
  end
  request.parsed, request.model, request.model_label = parsed, parsed.model, doc.labels[parsed.model]
  request.asked = surfaces.asked(request.surface, parsed.model)
  request.choices, request.wants_usage = parsed.choices, parsed.wants_usage
end


-- No endpoint has the model on this surface.
local function refuse_unoffered(request)
  local surface = request.surface
  if surface == surfaces.CHAT then
    return refuse(request, 404, "model_not_found", ("No endpoint serves the model '%s' now."):format(request.model))
  end
  local providers = offers.providers_of(surface.name)
  local advice = providers and (" Wanted an endpoint of a provider that does (%s), or ask at /v1/chat/completions.")
    :format(providers) or ""
  return refuse(request, 404, "surface_not_served",
                ("No endpoint of this pool serves %s for the model '%s'.%s"):format(surface.title, request.model, advice))
end


-- No further attempt: the caller gets the provider's own words where they tell what to change, else ours.
local function conclude(request, obstacle)
  local told, failure = request.telling, request.failure
  if told then
    relay.start({ status = told.failure.status, content_type = told.failure.answer.content_type }, request, told.attempt)
    return respond.as_is(told.failure.answer.body)
  end
  if failure and failure.class == "Deadline" then
    return refuse(request, 504, "deadline_exceeded", "No answer came within the request's time limit.")
  end
  local now_ms = clock.now_ms()
  if request.is_model_missing or not balancer.is_offered(request, now_ms) then
    return refuse_unoffered(request)
  end
  if not failure and obstacle.full > 0 then
    return refuse(request, 503, "pool_saturated",
                  "Every endpoint that could answer is at its limit of concurrent requests.", RETRY_SOON_MS)
  end
  local wait_ms = obstacle and obstacle.retry_at_ms and obstacle.retry_at_ms - now_ms or RETRY_SOON_MS
  return refuse(request, 503, "all_endpoints_down", request.doc.policy.fallback.default_response, wait_ms)
end


-- Passes a proved answer on. Gives nil after a good end, "gone" when the caller went, or the failure.
local function pass_on(request, attempt, answer)
  if answer.events then
    return relay.stream(request, attempt, answer)
  end
  if answer.conn then
    return relay.long(request, attempt, answer)
  end
  return relay.whole(request, attempt, answer)
end


local function deliver(request, attempt, answer)
  accounts.first_content(attempt, clock.now_ms())
  if request.attempts > 1 then
    budget.refund()
  end
  local ended = pass_on(request, attempt, answer)
  if attempt.conn then
    attempt.conn:close()
    attempt.conn = nil
  end
  if ended == nil then
    accounts.complete(attempt, answer, clock.now_ms())
    return accounts.release(attempt)
  end
  if ended == "gone" then
    accounts.release(attempt)
    return ngx.exit(ngx.ERROR)
  end
  local another, its_answer = recovery.after(request, attempt, ended)
  if another then
    return deliver(request, another, its_answer)
  end
  if answer.events then
    relay.give_up(request, ended)
  end
  return ngx.exit(ngx.ERROR) -- no clean end on a cut answer
end


-- Attempt by attempt; nil: none can be made, and what stands in the way.
local function serve(request, attempt, obstacle)
  if not attempt then
    return conclude(request, obstacle)
  end
  request.attempt = attempt
  request.attempts = request.attempts + 1
  accounts.started(attempt)
  local answer, failure = attempt_on.run(request, attempt, keys.of(attempt.endpoint))
  if answer then
    return deliver(request, attempt, answer)
  end
  failures.note(request, attempt, failure)
  return serve(request, retry.after(request, attempt, failure))
end


-- The pool's list of models, or one of it.
local function answer_models(request, name)
  local body = name == "" and models.list(request.doc.models) or request.doc.labels[name] and models.one(name)
  if not body then
    return refuse(request, 404, "model_not_found", ("The model '%s' is not served here."):format(name:sub(1, 128)))
  end
  return respond.json(200, body)
end


-- The content phase of the client port.
function _M.serve()
  local path, method = ngx.var.uri, ngx.req.get_method()
  local surface = surfaces.POST[path]
  local request = begin(surface, path)
  local doc = sync.current()
  if not doc then
    return refuse(request, 503, "not_ready", "This router has no configuration yet.", RETRY_SOON_MS)
  end
  request.doc = doc
  if not access.is_allowed(doc, request.client_headers) then
    return refuse(request, 401, "unauthorized", "The key shown is none of this pool's client keys.")
  end
  local model = method == "GET" and surfaces.model_at(path)
  if model then
    return answer_models(request, model)
  end
  if not surface then
    return refuse(request, 404, "not_found", "This path is not served here.")
  end
  if method ~= "POST" then
    ngx.header["Allow"] = "POST"
    return refuse(request, 405, "method_not_allowed", "Only POST is served here.")
  end
  read_body(request)
  if doc.policy.balancing.affinity then
    request.conversation = affinity.of(request, doc.policy.balancing.affinity)
  end
  recovery.begin(request)
  budget.deposit(doc.policy.retry.budget_percent)
  request.forwarded = headers.forwarded(request.client_headers)
  request.started_ms = clock.now_ms()
  request.deadline_ms = request.started_ms + doc.policy.timeouts.request_ms
  request.tier_wait_ms = doc.policy.retry.tier_wait_ms
  return serve(request, retry.first(request))
end


-- Where nginx sends a body that is over the limit.
function _M.too_large()
  local request = begin(nil, ngx.var.uri)
  return refuse(request, 413, "body_too_large", "The body is larger than this router takes (16 MiB).")
end


-- The log phase: whatever ended the request, nothing stays taken.
function _M.finish()
  local request = ngx.ctx.request
  if not request then
    return
  end
  local attempt = request.attempt
  if attempt and attempt.holds_slot then
    accounts.abandoned(attempt, clock.now_ms())
    accounts.release(attempt)
  end
  accounts.request(request.surface and request.surface.name or "other", ngx.status)
end


return _M
