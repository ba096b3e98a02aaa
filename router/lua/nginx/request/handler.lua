-- A request of a caller, until its content and the endpoints for it are known; attempts.lua does the rest.

local clock = require "nginx.shared.clock"
local access = require "nginx.request.access"
local accounts = require "nginx.request.accounts"
local body = require "nginx.request.body"
local browser = require "nginx.request.browser"
local debug_header = require "nginx.request.debug_header"
local outcome_recorder = require "nginx.request.outcome_recorder"
local affinity = require "nginx.balancing.affinity"
local retry_budget = require "nginx.balancing.retry_budget"
local answer_cache = require "nginx.shared.answer_cache"
local final_error = require "nginx.request.final_error"
local pool_breaker = require "nginx.endpoint.pool_breaker"
local headers = require "core.request.headers"
local models = require "core.request.models"
local pool_chain = require "nginx.request.pool_chain"
local queue = require "nginx.balancing.queue"
local recovery = require "nginx.request.recovery"
local request_counts = require "nginx.request.request_counts"
local request_log = require "nginx.request.request_log"
local respond = require "nginx.shared.respond"
local attempts = require "nginx.request.attempts"
local surfaces = require "core.protocol.surface"
local document_sync = require "nginx.document_sync"
local drain = require "nginx.drain"
local uuid = require "core.http.uuid"

local ngx = ngx

local _M = {}

local CLIENT_HEADERS_MAX = 100
local CONDITIONS = { "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range" }
local SECRET_ARGS = { key = true, api_key = true, ["api-key"] = true, access_token = true }
local RETRY_SOON_MS = 1000 -- the caller's Retry-After when no better time is known


-- nginx's own $request_id asks for 16 random bytes each time, a tenth of a request's cost here
local id_start, trace_start, id_count

-- A new id, and the same without dashes, as the id of a trace.
local function new_id()
  if not id_start then
    id_start, trace_start = uuid.series(ngx.var.request_id)
    id_count = 0
  end
  id_count = id_count + 1
  return uuid.counted(id_start, id_count), uuid.counted(trace_start, id_count)
end


-- What the caller and the providers know the request by: the caller's own id if it is a sane one. Providers get it only
-- as a UUID, for some refuse others. Where it is ours, also the id of its trace.
local function request_ids(client_headers)
  local given = client_headers["x-request-id"]
  if type(given) ~= "string" or #given > 128 or not given:find("^[%w%-_.:]+$") then
    local id, trace = new_id()
    return id, id, trace
  end
  if uuid.is(given) then
    return given, given
  end
  return given, new_id()
end


-- What is known before the body is read (more than 32 members that are not nil, so that LuaJIT makes room for all that come
-- later); ngx.ctx holds it for the accounts of the log phase. Also: were there too many
-- headers to see them all?
local function begin(surface, path)
  local client_headers, is_truncated = ngx.req.get_headers(CLIENT_HEADERS_MAX)
  setmetatable(client_headers, nil) -- it looks for a missing name in other spellings, too: a dozen times a request
  local id, upstream_id, own_trace = request_ids(client_headers)
  local request = {
    surface = surface, protocol = surface and surface.protocol or surfaces.protocol_at(path), id = id,
    upstream_id = upstream_id, own_trace = own_trace, client_headers = client_headers, attempts = 0, excluded = {},
    tries = {}, doc = nil, attempt = nil, parsed = nil, conversation = nil, model = "", asked = "", choices = 1,
    wants_usage = true, forwarded = "", asked_headers = "", started_ms = 0, deadline_ms = 0, transcript = nil,
    asked_priority = nil, is_prefill_refused = false, has_reserved = false, has_paid = false, tier_wait_ms = 0,
    is_last_resort = false, body_bytes = 0, connection = nil, is_beta = false, query = "",
    account = { attempts = { nil, nil } }, outcome = nil, first_content_ms = 0, barred = nil, features = nil,
    is_explained = false, pools = nil, loops = nil, key_faults = 0, is_kept = false, kept_max_age_s = 0,
    is_traced = false, is_degraded = false,
  }
  request_log.begin(request, client_headers)
  ngx.ctx.request = request
  return request, is_truncated
end


-- nginx judges conditions by its own answer's ETag, which has none: a provider would be paid for a 412.
local function ignore_conditions(client_headers)
  for i = 1, #CONDITIONS do
    if client_headers[CONDITIONS[i]] then
      ngx.req.clear_header(CONDITIONS[i])
    end
  end
end


-- The caller's query, as it came, for the provider, but without keys, which are the caller's.
local function query_of(args)
  if not args or args == "" then
    return ""
  end
  local kept = {}
  for one in args:gmatch("[^&]+") do
    if not SECRET_ARGS[one:match("^[^=]*"):lower()] then
      kept[#kept + 1] = one
    end
  end
  return kept[1] and "?" .. table.concat(kept, "&") or ""
end


-- The pool's list of models, or one of it.
local function answer_models(request, name)
  local may_ask = request.client.may_ask
  local is_one = request.doc.serves[name] and (not may_ask or may_ask[name])
  local text = name == "" and models.list(request.client.allowed_models or request.doc.models) or is_one and models.one(name)
  if not text then
    return final_error.refuse(request, 404, "model_not_found",
      ("This pool does not serve the model '%s'."):format(name:sub(1, 128)))
  end
  return respond.json(200, text)
end


-- The content phase of the client port. closes: is this the location whose answers say that their connection closes?
function _M.serve(closes)
  if drain.is_on() then
    if not closes then
      return ngx.exec("@closing")
    end
    drain.note_request()
  end
  local path, method = ngx.var.uri, ngx.req.get_method()
  local surface, is_beta = surfaces.at(path)
  local request, is_truncated = begin(surface, path)
  request.is_beta, request.query = is_beta, query_of(ngx.var.args)
  ignore_conditions(request.client_headers)
  if is_truncated then
    return final_error.refuse(request, 431, "headers_too_large",
                           ("The request has too many headers (more than %d)."):format(CLIENT_HEADERS_MAX))
  end
  local doc = document_sync.current()
  if not doc then
    return final_error.refuse(request, 503, "not_ready", "This router has no configuration yet.", RETRY_SOON_MS)
  end
  request.doc = doc
  browser.begin(request, method)
  request.client = access.client(doc, request.client_headers)
  if not request.client then
    return final_error.refuse(request, 401, "unauthorized", "The API key is missing, or is not one of this pool's clients.")
  end
  if pool_chain.begin(request) then
    return final_error.loop(request)
  end
  request.is_explained = debug_header.is_wanted(request.client, request.client_headers)
  local model = (method == "GET" or method == "HEAD") and surfaces.model_at(path)
  if model then
    return answer_models(request, model)
  end
  if method == "HEAD" and surfaces.is_root(path) then
    return ngx.exit(ngx.HTTP_OK) -- clients that test whether the server answers
  end
  if not surface then
    return final_error.refuse(request, 404, "not_found",
                           ("This router does not serve the path '%s'. %s"):format(path:sub(1, 128), surfaces.remedy(path)))
  end
  if method == "GET" and tostring(request.client_headers.upgrade):lower() == "websocket" then
    ngx.header["Upgrade"] = "HTTP/1.1" -- what makes Codex ask by HTTP at once, and not after five tries
    return final_error.refuse(request, 426, "no_websockets", "This router speaks HTTP here, not WebSocket: send a POST.")
  end
  if method ~= "POST" then
    ngx.header["Allow"] = "POST"
    return final_error.refuse(request, 405, "method_not_allowed", "This path needs the method POST.")
  end
  body.admit(request)
  body.read(request)
  if doc.policy.balancing.affinity then
    request.conversation = affinity.of(request, doc.policy.balancing.affinity)
  end
  if doc.has_several_keys then
    request.key_number = affinity.key_number(request)
  end
  request.forwarded, request.asked_headers = headers.forwarded(request.client_headers)
  if not request.pools then -- else the first pool decides what is kept, and what a caller gets when nobody answers
    answer_cache.begin(request)
  end
  recovery.begin(request)
  retry_budget.retries:deposit(doc.policy.retry.budget_percent)
  if doc.policy.hedging then
    retry_budget.hedges:deposit(doc.policy.hedging.budget_percent)
  end
  request.asked_priority = request.client_headers["x-poolkeeper-priority"]
  request.client_headers = nil -- read: a stream may go on for minutes
  request.started_ms = clock.now_ms()
  request.deadline_ms = request.started_ms + doc.policy.timeouts.request_ms
  request.tier_wait_ms = doc.policy.retry.tier_wait_ms
  return attempts.serve(request)
end


-- Where nginx sends a body that is over the limit.
function _M.too_large()
  body.lost(ngx.var.connection)
  local request = begin(nil, ngx.var.uri)
  request.doc = document_sync.current()
  browser.mark(request)
  return final_error.refuse(request, 413, "body_too_large", "The body is over the limit of 16 MiB.")
end


local function abandon(attempt)
  if attempt and attempt.holds_slot then
    outcome_recorder.abandoned(attempt, "ClientGone", clock.now_ms())
    outcome_recorder.release(attempt)
  end
end


-- The log phase: whatever ended the request, nothing stays taken.
function _M.finish()
  local request = ngx.ctx.request
  if not request then
    return
  end
  queue.leave(request)
  retry_budget.give_back(request)
  abandon(request.attempt)
  abandon(request.hedge)
  pool_breaker.ended(request)
  if request.answer and request.is_kept then
    answer_cache.keep(request, request.answer)
  end
  body.give_back(request)
  accounts.settle(request.account)
  request_counts.ended(request, ngx.status, clock.now_ms())
  request_log.write(request, ngx.status, clock.now_ms())
end


return _M
