-- What callers got: one count a request, by what became of it, and how long it took.

local declared = require "core.metrics.declared"
local first_choice = require "nginx.request.first_choice"
local metrics = require "nginx.shared.metrics"

local _M = {}

local OTHER = declared.OTHER
local ANSWERED = { ok = true, degraded = true }

local by_surface = {} -- surface -> code -> series


local function count_code(surface, code)
  local known = by_surface[surface] or {}
  by_surface[surface] = known
  known[code] = known[code] or metrics.series("poolkeeper_requests_total", surface, code)
  metrics.count(known[code])
end


-- The label of a request's client; "other" where there is none, or one too many.
local function client_of(request)
  local client = request.client
  return client and request.doc.bounds.clients[client.name] or OTHER
end

_M.client_of = client_of


local function series_of(model)
  return {
    first_token = metrics.histogram("poolkeeper_request_first_token_seconds", model),
    stream = metrics.histogram("poolkeeper_request_duration_seconds", model, "stream"),
    whole = metrics.histogram("poolkeeper_request_duration_seconds", model, "whole"),
    attempts = metrics.histogram("poolkeeper_request_attempts", model), responses = {},
  }
end


local models = {} -- model -> its series; models come from documents only

local function known(model)
  models[model] = models[model] or series_of(model)
  return models[model]
end


local function count_outcome(series, model, client, outcome)
  local of_client = series.responses[client] or {}
  series.responses[client] = of_client
  of_client[outcome] = of_client[outcome] or metrics.series("poolkeeper_responses_total", model, client, outcome)
  metrics.count(of_client[outcome])
end


function _M.fallback(kind)
  metrics.count(metrics.series("poolkeeper_fallback_responses_total", kind))
end


-- A request that is turned away because there are too many.
function _M.shed(request, code)
  metrics.count(metrics.series("poolkeeper_shed_total", code, client_of(request)))
end


-- Its caller is about to get the first content.
function _M.first_content(request, attempt)
  if request.first_content_ms > 0 then
    return
  end
  request.first_content_ms = attempt.first_content_ms
  if request.is_degraded then
    _M.fallback("degraded")
  end
  if attempt.is_stream then
    metrics.observe(known(request.first_model).first_token, (attempt.first_content_ms - request.started_ms) / 1000)
  end
end


local function outcome_of(request, code)
  return request.outcome or code == 500 and "error" or "client_gone"
end


_M.outcome_of = outcome_of


-- It has ended, with this status.
function _M.ended(request, code, now_ms)
  count_code(request.surface and request.surface.name or "other", code)
  if not request.surface or not request.doc then
    return
  end
  local model, outcome = request.first_model, outcome_of(request, code)
  local client = client_of(request)
  if not model then
    return metrics.count(metrics.series("poolkeeper_responses_total", OTHER, client, outcome))
  end
  local series = known(model)
  count_outcome(series, model, client, outcome)
  if request.started_ms > 0 then
    metrics.observe(series.attempts, request.attempts)
    first_choice.count(request, model, now_ms)
  end
  if ANSWERED[outcome] then
    local duration = request.parsed.stream and series.stream or series.whole
    metrics.observe(duration, (now_ms - request.started_ms) / 1000)
  end
end


return _M
