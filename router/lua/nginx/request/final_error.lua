-- The end of a request that no endpoint has answered: the provider's error where it says what the caller must change,
-- else our own.

local notices = require "nginx.endpoint.notices"
local offers = require "nginx.balancing.offers"
local cjson = require "cjson.safe"
local clock = require "nginx.shared.clock"
local debug_header = require "nginx.request.debug_header"
local fallback = require "nginx.request.fallback"
local pool_breaker = require "nginx.endpoint.pool_breaker"
local surface_support = require "core.request.surface_support"
local relay = require "nginx.request.relay"
local request_counts = require "nginx.request.request_counts"
local respond = require "nginx.shared.respond"
local state = require "nginx.shared.state"
local bar = require("core.request.route").bar
local client_error = require "core.error.client_error"
local surfaces = require "core.protocol.surface"

local ngx = ngx

local _M = {}

local FEATURES = { tools = "tools", images = "images", audio = "audio", schema = "a JSON schema" }
local NEVER_MS = math.huge
local RETRY_SOON_MS = 1000 -- the caller's Retry-After when no better time is known
local SATURATED = {
  pool_saturated = "Every endpoint that could answer is at its connection limit.",
  queue_full = "Every endpoint that could answer is at its connection limit, and the queue is full.",
  queue_timeout = "Every endpoint that could answer is at its connection limit; none became free within the waiting time.",
}


-- Ends a request with an error made here.
function _M.refuse(request, status, code, message, wait_ms)
  request.outcome = request.outcome or (status >= 500 or code == "rate_limited") and "error" or "refused"
  if request.attempts > 0 then
    ngx.header["x-poolkeeper-attempts"] = request.attempts
  end
  respond.identify(request)
  debug_header.mark(request)
  return respond.error(request.protocol, status, code, message, wait_ms)
end


-- Ends a request because there are too many of them: later there may be room.
function _M.shed(request, status, code, message, wait_ms)
  request.outcome = "shed"
  request_counts.shed(request, code)
  return _M.refuse(request, status, code, message, wait_ms)
end


-- The request goes in a circle of pools.
function _M.loop(request)
  return _M.refuse(request, 508, "pool_loop", "The request has come through this pool before: an endpoint of a pool leads"
    .. " back to it. Give one of the pools on the way an endpoint that is none of them.")
end


-- No endpoint has the model on this surface, or none that the request may go to.
local function refuse_unoffered(request)
  local surface, why = request.surface, bar(request)
  if why == "policy" then
    return _M.refuse(request, 403, "forbidden_by_data_policy",
                  ("The data policy of this pool forbids every endpoint that serves the model '%s'."):format(request.model))
  end
  if why == "client" then
    return _M.refuse(request, 403, "endpoint_not_allowed",
                  ("Your API key may use no endpoint that serves the model '%s'."):format(request.model))
  end
  if why then
    return _M.refuse(request, 400, "unsupported_feature",
                  ("No endpoint that serves the model '%s' takes requests with %s."):format(request.model, FEATURES[why]))
  end
  if surface == surfaces.CHAT then
    return _M.refuse(request, 404, "model_not_found", ("No endpoint serves the model '%s' now."):format(request.model))
  end
  local providers = surface_support.providers_of(surface.name)
  local advice = providers
    and (" Add an endpoint whose provider has it (%s), or use /v1/chat/completions."):format(providers) or ""
  return _M.refuse(request, 404, "surface_not_served",
                ("No endpoint of this pool has %s for the model '%s'.%s"):format(surface.title, request.model, advice))
end


-- Every way leads back here, which nobody may know who asks for the state of each endpoint.
local function note_loops(request)
  for _, endpoint in ipairs(request.doc.endpoints) do
    if request.loops[endpoint.name] then
      notices.note(endpoint, request.model, notices.LEADS_BACK)
    end
  end
end


-- No further attempt: the caller gets the provider's error where it says what to change, else our own.
function _M.conclude(request, obstacle)
  local refused, failure = request.telling, request.failure
  if refused then
    pool_breaker.answered(request)
    local body, content_type = client_error.of(refused.failure, request.protocol, cjson.decode)
    request.outcome = refused.failure.class == "Empty" and "empty" or "refused"
    relay.start({ status = refused.failure.status, content_type = content_type }, request, refused.attempt)
    return respond.as_is(body)
  end
  local now_ms = clock.now_ms()
  state.epoch() -- what the last attempt has changed counts
  if request.loops and offers.are_only(request, request.loops) then
    note_loops(request)
    return _M.loop(request)
  end
  if failure and now_ms >= request.deadline_ms then
    pool_breaker.failed(request)
    if fallback.answer(request) then
      return nil
    end
    return _M.refuse(request, 504, "deadline_exceeded", "No endpoint answered within the time limit of the request.")
  end
  if request.is_model_missing or not offers.is_offered(request, now_ms) then
    return refuse_unoffered(request)
  end
  local is_saturated = obstacle and (obstacle.shed or not failure and obstacle.full > 0)
  if not is_saturated then
    pool_breaker.failed(request)
  end
  if fallback.answer(request) then
    return nil
  end
  if is_saturated then
    local code = obstacle.shed or "pool_saturated"
    return _M.shed(request, 503, code, SATURATED[code], obstacle.retry_ms or RETRY_SOON_MS)
  end
  local wait_ms = offers.back_at_ms(request, now_ms) - now_ms
  local limited_until_ms = offers.limited_until_ms(request, now_ms)
  if limited_until_ms then
    return _M.refuse(request, 429, "rate_limited", "Every endpoint that could answer limits the request rate now.",
                     math.max(RETRY_SOON_MS, limited_until_ms - now_ms))
  end
  return _M.refuse(request, 503, "all_endpoints_down", request.doc.policy.fallback.default_response,
                   wait_ms < NEVER_MS and math.max(RETRY_SOON_MS, wait_ms) or RETRY_SOON_MS)
end


-- The pool breaker is open: no endpoint gets the request.
function _M.conclude_untried(request)
  if not fallback.answer(request) then
    local retry_at_ms = pool_breaker.retry_at_ms()
    return _M.refuse(request, 503, "global_breaker_open", request.doc.policy.fallback.default_response,
                     retry_at_ms and retry_at_ms - clock.now_ms() or RETRY_SOON_MS)
  end
end


return _M
