-- What a caller gets when no endpoint can answer: first the request in another form (a shorter conversation, another form
-- of the request, the fallback model), then the cached answer to the same request, then the pool's default answer.

local retry_budget = require "nginx.balancing.retry_budget"
local answer_cache = require "nginx.shared.answer_cache"
local cjson = require "cjson.safe"
local client_write = require "nginx.request.client_write"
local debug_header = require "nginx.request.debug_header"
local default_answer = require "core.forms.default_answer"
local metrics = require "nginx.shared.metrics"
local request_body = require "core.request.body"
local repair = require "core.request.repair"
local request_counts = require "nginx.request.request_counts"
local respond = require "nginx.shared.respond"
local retry = require "nginx.request.retry"
local surfaces = require "core.protocol.surface"
local context_trim = require "core.request.context_trim"
local turn = require "nginx.shared.turn"

local ngx = ngx

local _M = {}


-- A further attempt is paid for like any other.
local function find_paid(request)
  if request.attempts > 0 and not retry_budget.reserve(request) then
    return nil
  end
  local attempt, obstacle = retry.first(request)
  if attempt then
    retry_budget.spend(request)
  else
    retry_budget.give_back(request)
  end
  return attempt, obstacle
end


-- Once more without the oldest turns, where the conversation was too long for every endpoint.
local function ask_shorter(request)
  local refused, policy = request.telling, request.doc.policy.context_recovery
  if not policy or request.trimmed_turns or not refused or refused.failure.class ~= "ContextTooLong" then
    return nil
  end
  local body, gone = context_trim.body(request.parsed.body, policy.keep_turns, cjson.decode)
  local parsed = body and request_body.parse(body, cjson.decode, request.model, request.surface, turn.pause)
  if not parsed then
    return nil
  end
  request.needs, request.excluded[refused.attempt.endpoint.name] = nil, nil
  local attempt, obstacle = find_paid(request)
  if attempt then
    request.parsed, request.trimmed_turns, request.telling = parsed, gone, nil
  end
  return attempt, obstacle
end


-- Once more in another form, for an endpoint that accepts it and has refused this one.
local function ask_repaired(request)
  local refused = request.telling
  if request.repaired or not refused or refused.failure.class ~= "Incompatible" then
    return nil
  end
  local answer = refused.failure.answer
  local body, what = repair.of(request.parsed.body, answer and answer.body or "", cjson.decode)
  local parsed = body and request_body.parse(body, cjson.decode, request.model, request.surface)
  if not parsed then
    return nil
  end
  request.excluded[refused.attempt.endpoint.name] = nil
  local attempt, obstacle = find_paid(request)
  if attempt then
    attempt.asking = parsed
    request.parsed, request.repaired, request.telling = parsed, what, nil
    metrics.count(metrics.series("poolkeeper_repaired_requests_total", what))
  end
  return attempt, obstacle
end


-- Once more with the model that the policy names for such times. No other model's embeddings are of use.
local function ask_lesser(request)
  local model = request.doc.policy.fallback.degraded_model
  local may_ask = request.client.may_ask
  if request.pools or not request.doc.serves[model] or may_ask and not may_ask[model] then
    return nil
  end
  if model == request.model or request.is_degraded or request.telling or request.surface.member == "data" then
    return nil
  end
  local before = { model = request.model, excluded = request.excluded }
  request.model, request.excluded, request.needs = model, {}, nil
  request.asked = surfaces.asked(request.surface, model)
  local attempt, obstacle = find_paid(request)
  if attempt then
    request.is_degraded, request.is_model_missing = true, nil
    return attempt
  end
  request.model, request.excluded = before.model, before.excluded
  request.asked = surfaces.asked(request.surface, before.model)
  return nil, obstacle
end


-- Another attempt, in another form; nil when there is none.
function _M.attempt(request)
  if request.failure and request.failure.class == "Deadline" then
    return nil
  end
  return ask_shorter(request) or ask_repaired(request) or ask_lesser(request)
end


local function answer_with(request, body, kind, named)
  local headers = ngx.header
  request.outcome = kind
  request_counts.fallback(kind)
  headers["Content-Type"] = "application/json"
  if request.parsed.stream then
    client_write.announce_stream()
  end
  headers["Content-Length"] = #body
  headers["x-poolkeeper-fallback"] = named
  headers["x-poolkeeper-attempts"] = request.attempts
  respond.identify(request)
  debug_header.mark(request)
  ngx.print(body)
  return true
end


-- Answers without any endpoint, as the policy has it; nil when the caller is to get an error. So is a pool in front of
-- this one: another of its endpoints may answer.
function _M.answer(request)
  if request.pools then
    return nil
  end
  local fallback = request.doc.policy.fallback
  if fallback.cache_ttl_ms > 0 then
    local body, age_s = answer_cache.find(request)
    if body and age_s * 1000 <= fallback.cache_ttl_ms then -- it may have been cached under a policy with a longer time
      return answer_with(request, body, "cache", ("cache; age=%d"):format(age_s))
    end
  end
  local body = fallback.format == "Completion" and default_answer.body(fallback.default_response, {
    surface = request.surface.name, id = request.id, model = request.model, created_s = ngx.time(),
    is_stream = request.parsed.stream, wants_usage = request.wants_usage,
  })
  if body then
    return answer_with(request, body, "default", "default")
  end
  request_counts.fallback("default")
  ngx.header["x-poolkeeper-fallback"] = "default"
end


return _M
