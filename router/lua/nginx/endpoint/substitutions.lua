-- Answers from another model than the one that was requested, by the name in the answer (core/answer/model_name.lua). A name
-- that the pool declares (aliases) is no other model. Your own server may call a model what it likes.

local clock = require "nginx.shared.clock"
local declared = require "core.metrics.declared"
local metrics = require "nginx.shared.metrics"
local model_name = require "core.answer.model_name"
local noted_word = require "nginx.endpoint.noted_word"

local _M = {}

_M.REASON = "WrongModel"
local KIND = "substitute"
local MEMORY_S = 600 -- so long after the last one it is reported
local OWN_SERVERS = { VLLM = true, SGLang = true, Ollama = true, LlamaCpp = true, LMStudio = true,
                      Gateway = true, Poolkeeper = true } -- a pool judges its own endpoints
local NONE = {}

local seen = setmetatable({}, { __mode = "k" }) -- route -> {fingerprint, provider} of its last answer


-- What an answer says it comes from: {model, fingerprint, provider}.
function _M.origin(attempt)
  return attempt.reader or attempt.origin or NONE
end


-- The other model's name, as it may be shown; nil when it is the requested one, or the answer does not say.
local function another(attempt)
  local said, route = _M.origin(attempt).model, attempt.route
  if type(said) ~= "string" or said == "" or said == route.upstream_name or OWN_SERVERS[attempt.endpoint.provider] then
    return nil
  end
  if model_name.is_same(route.upstream_name, said) then
    return nil
  end
  for _, alias in ipairs(route.aliases) do
    if said == alias or model_name.is_same(alias, said) then
      return nil
    end
  end
  return model_name.shown(said)
end


local function note(attempt, name, now_ms)
  local endpoint, family = attempt.endpoint, "poolkeeper_substitutions_total"
  attempt.answered_by = name
  metrics.count(metrics.series(family, endpoint.name, declared.lumped(endpoint.bounds, family, attempt.model)))
  noted_word.note(KIND, endpoint, attempt.model, name, now_ms, MEMORY_S)
end


local function count_changes(attempt)
  local route, origin = attempt.route, _M.origin(attempt)
  local before = seen[route] or NONE
  if before.fingerprint == origin.fingerprint and before.provider == origin.provider then
    return
  end
  for _, what in ipairs({ "fingerprint", "provider" }) do
    if type(before[what]) == "string" and type(origin[what]) == "string" and before[what] ~= origin[what] then
      metrics.count(metrics.series("poolkeeper_upstream_changes_total", attempt.endpoint.name, what))
    end
  end
  seen[route] = { fingerprint = origin.fingerprint, provider = origin.provider }
end


-- An answer has proved itself, and its caller will get it.
function _M.look(attempt, now_ms)
  count_changes(attempt)
  local name = another(attempt)
  if name then
    note(attempt, name, now_ms)
  end
end


-- May its caller not get the answer, because of the model that it comes from?
function _M.is_refused(attempt)
  if attempt.policy.substitution ~= "NextEndpoint" then
    return false
  end
  local name = another(attempt)
  if name then
    note(attempt, name, clock.now_ms())
  end
  return name ~= nil
end


-- The model that answers in place of this one, and since when; nil: none does.
function _M.of(endpoint, model)
  return noted_word.of(KIND, endpoint, model)
end


return _M
