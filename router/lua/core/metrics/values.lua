-- The values that labels of metrics can have, where a fixed list bounds them.

local breaker = require "core.health.breaker"
local outcome = require "core.error.outcome"
local repair = require "core.request.repair"
local surfaces = require "core.protocol.surface"

local _M = {}

-- The keys of a table, in order.
function _M.sorted(set)
  local list = {}
  for value in pairs(set) do
    list[#list + 1] = value
  end
  table.sort(list)
  return list
end

local sorted = _M.sorted


local function set_of(items, get)
  local set = {}
  for _, item in pairs(items) do
    set[get(item)] = true
  end
  return set
end


-- What a caller got. refused: an error that only the caller can fix (4xx); error: the pool's own (5xx, or 429 because all
-- providers limit the rate); empty: an answer without content, as every endpoint gave it.
_M.OUTCOMES = { "ok", "degraded", "cache", "default", "empty", "cut", "refused", "shed", "error", "client_gone" }

-- What became of an attempt that cost something. answer: its caller got it whole; cut: it broke off, or its caller left;
-- retry: its caller got nothing of it; hedge: another endpoint was faster.
_M.KINDS = { "answer", "retry", "hedge", "cut" }

-- cached_input is a part of input, reasoning one of output.
_M.TOKEN_PARTS = { "cached_input", "reasoning" }
_M.TOKEN_TYPES = { "input", "cached_input", "output", "reasoning" }

-- Of the endpoint that is the first choice for a model. down: not asked, because the router knew it was out; unknown: not
-- asked for another reason (weight, affinity, connection limit), or given up for a faster one.
_M.FIRST_CHOICES = { "answered", "failed", "down", "unknown" }

_M.SHED_CODES = { "client_limit", "body_memory_full", "pool_saturated", "queue_full", "queue_timeout" }
_M.WAITS = { "served", "timed_out", "given_up", "client_gone" }
_M.CODES = { 200, 400, 401, 402, 403, 404, 405, 408, 413, 415, 422, 429, 431, 499, 500, 502, 503, 504 }
_M.STATUS_CODES = { "200", "400", "401", "402", "403", "404", "408", "413", "422", "429", "500", "502", "503", "504", "529",
                    "other" }
_M.PROOFS = { "Continues", "BeginsAnew", "Unclear" }
_M.CHECK_RESULTS = { "AddressRefused", "Answered", "BadAnswer", "BadStatus", "BalanceExhausted", "CertificateInvalid",
                     "ConnectFailed", "CredentialsRejected", "DnsFailed", "Passed", "ProxyFailed", "Spared", "TimedOut",
                     "TlsFailed", "Truncated", "Unclear" }
_M.KEY_REASONS = { "SecretNotFound", "CredentialsRejected", "BalanceExhausted", "RateLimited" }
_M.CAUSES = { "health_check", "backoff", "breaker", "credential", "probe" }

_M.CLASSES = sorted(outcome.CLASSES)
_M.CLASSES[#_M.CLASSES + 1] = "ClientGone"
_M.CLASSES[#_M.CLASSES + 1] = "Outpaced"
_M.SURFACES = sorted(set_of(surfaces.POST, function(surface) return surface.name end))
_M.SURFACES[#_M.SURFACES + 1] = "other"
_M.REPAIRS = sorted(set_of(repair.REPAIRS, function(one) return one[2] end))


local function transitions(classes)
  local list = {
    { "Open", "HalfOpen", "RecoveryTimeoutPassed" }, { "Open", "HalfOpen", breaker.CHECKED },
    { "Open", "HalfOpen", breaker.PROBED }, { "Open", "Closed", "TrialsPassed" }, { "HalfOpen", "Closed", "TrialsPassed" },
  }
  for _, class in ipairs(classes) do
    list[#list + 1] = { "Closed", "Open", class }
    list[#list + 1] = { "HalfOpen", "Open", class }
  end
  return list
end

local counted = {}
for _, class in ipairs(sorted(outcome.CLASSES)) do
  if outcome.CLASSES[class].counts then
    counted[#counted + 1] = class
  end
end
_M.TRANSITIONS = transitions(counted)
_M.POOL_TRANSITIONS = transitions({ "NoAnswer" })


-- OpenTelemetry's names

local OPERATIONS = { completions = "text_completion", beta = "text_completion", embeddings = "embeddings" }
local PROVIDERS = { DeepSeek = "deepseek", OpenAI = "openai", Perplexity = "perplexity" }
_M.CHAT = "chat"

-- gen_ai.operation.name
function _M.operation(surface)
  return OPERATIONS[surface] or _M.CHAT
end

-- gen_ai.provider.name: of the conventions' list where it has one.
function _M.provider(name)
  return PROVIDERS[name] or name:lower()
end

-- error.type of a failure class; "": none.
local ERRORS = {
  Connect = "connect", ProxyFailed = "connect", Busy = "busy", RateLimited = "rate_limited", ServerError = "server_error",
  SlowFirstToken = "timeout", Deadline = "timeout", Stalled = "timeout", Truncated = "cut",
}
_M.ERROR_KINDS = { "busy", "connect", "cut", "rate_limited", "server_error", "timeout", "_OTHER" }
_M.ERROR_TYPES = { "" }
for i, kind in ipairs(_M.ERROR_KINDS) do
  _M.ERROR_TYPES[i + 1] = kind
end

function _M.error_type(class)
  return ERRORS[class] or "_OTHER"
end


local LISTED = {}
_M.STATUSES = { "none" }
for i, status in ipairs(_M.STATUS_CODES) do
  LISTED[tonumber(status) or status], _M.STATUSES[i + 1] = status, status
end

-- The label of an endpoint's HTTP status; nil: there was no answer.
function _M.status(code)
  return not code and "none" or LISTED[code] or "other"
end


return _M
