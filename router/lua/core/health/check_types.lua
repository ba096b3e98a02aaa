-- What a health check requests from an endpoint, and what the answer proves: data, one row a question. All of them are
-- free, because nothing is generated, except for COMPLETION, which is used only where a policy says so.
--
-- A row: path (from the endpoint's prefix, or beside it: vLLM's /health lies beside /v1), reads (the body of a good
-- status -> `finding`), body_bytes (how much of the body that needs). is_about_account: it asks for our own account, so
-- 403 is about the key. Other questions may be forbidden to a good key (listing models), so there 403 proves nothing.
--
-- A `finding`: result (a word for metrics), proves {key, balance} (what a good answer proves beyond "it answers"), listed
-- {upstream name -> is it present?} where a list is reliable. Only Ollama's is: it lists what lies on its disk. Other
-- lists lack names that are served (aliases, variants of aggregators), or have more than is loaded. credit {currency ->
-- what is left on the account} where the provider says it.

local find = string.find
local lower = string.lower
local match = string.match
local sub = string.sub

local classify = require "core.error.classify"
local openai = require "core.protocol.openai"

local _M = {}

local SMALL_BYTES, LIST_BYTES, DECODED_BYTES = 4096, 65536, 262144
local NOT_A_WORD_ON_THE_KEY = { "missing scopes", "insufficient permissions" } -- of a key that may not list models
local NO_PROOF = {}
local KEY_PROVED, ALL_PROVED = { key = true }, { key = true, balance = true }
local CURRENCIES = { CNY = true, USD = true } -- they become a label: no other word of an answer does


local function finding(result, proves, listed, credit)
  return { result = result, proves = proves or NO_PROOF, listed = listed, credit = credit }
end


local function any_body()
  return finding("Passed")
end


-- The bodies of lists are long, and decoding one would delay requests: the first characters show whether it is JSON.
local function json_text(text)
  return finding(match(text, "^%s*[%[{]") and "Passed" or "BadAnswer")
end


-- JSON without the member that matters comes from something that stands in for the provider.
local function decoded(reads)
  return function(text, upstream_names, decode)
    local value = decode(text)
    if type(value) ~= "table" then
      return finding("BadAnswer")
    end
    return reads(value, upstream_names) or finding("Answered")
  end
end


local function is_number(value)
  return value and value == value and math.abs(value) ~= math.huge
end


-- Of each currency of the account, in DeepSeek's form.
local function credit_of(infos)
  local credit = {}
  for _, info in ipairs(type(infos) == "table" and infos or {}) do
    local currency, amount = type(info) == "table" and info.currency, type(info) == "table" and tonumber(info.total_balance)
    if CURRENCIES[currency] and is_number(amount) then
      credit[currency] = amount
    end
  end
  return credit
end


local function balance(value)
  local credit = credit_of(value.balance_infos)
  if value.is_available == true then
    return finding("Passed", ALL_PROVED, nil, credit)
  end
  return value.is_available == false and finding("BalanceExhausted", KEY_PROVED, nil, credit) or nil
end


-- The limit is the key's own; null: it has none. A good one says nothing of the account's credits.
local function remaining_limit(value)
  local data = value.data
  if type(data) ~= "table" then
    return nil
  end
  local remaining = tonumber(data.limit_remaining)
  local credit = is_number(remaining) and { USD = remaining } or nil
  return finding(remaining and remaining <= 0 and "BalanceExhausted" or "Passed", KEY_PROVED, nil, credit)
end


local function tags(value, upstream_names)
  if type(value.models) ~= "table" then
    return nil
  end
  local there, listed = {}, {}
  for _, model in ipairs(value.models) do
    if type(model) == "table" and type(model.name) == "string" then
      there[lower(model.name)] = true
    end
  end
  for _, name in ipairs(upstream_names) do
    local wanted = lower(name)
    if not find(wanted, "cloud$") then -- runs elsewhere, and need not lie on the disk
      listed[name] = there[wanted] or there[wanted .. ":latest"] or false
    end
  end
  return finding("Passed", nil, listed)
end


local function completion(text, _, decode)
  if openai.read_whole(text, decode, "choices") then
    return finding("Passed", ALL_PROVED)
  end
  return finding("BadAnswer")
end


local HEALTH = { path = "/health", is_beside = true, body_bytes = SMALL_BYTES, reads = any_body }
local PROPS = { path = "/props", is_beside = true, body_bytes = SMALL_BYTES, reads = any_body }
local MODELS = { path = "/models", body_bytes = LIST_BYTES, reads = json_text }
local BALANCE = { path = "/user/balance", is_beside = true, is_about_account = true, body_bytes = DECODED_BYTES,
                  reads = decoded(balance) }
local KEY = { path = "/key", is_about_account = true, body_bytes = DECODED_BYTES, reads = decoded(remaining_limit) }
local TAGS = { path = "/api/tags", is_beside = true, body_bytes = DECODED_BYTES, reads = decoded(tags) }
local COMPLETION = { path = "/chat/completions", generates = true, body_bytes = DECODED_BYTES, reads = completion }

local ONLY_MODELS = { MODELS }
local AUTO = {
  DeepSeek = { BALANCE, MODELS },
  OpenRouter = { KEY },
  Poe = ONLY_MODELS,
  Perplexity = ONLY_MODELS,
  SiliconFlow = ONLY_MODELS,
  Together = ONLY_MODELS,
  Fireworks = ONLY_MODELS,
  VLLM = { HEALTH, MODELS }, -- the health of these is open to anybody: only the second question shows a wrong key
  SGLang = { HEALTH, MODELS },
  Ollama = { TAGS },
  LlamaCpp = { HEALTH, PROPS }, -- its list of models is open, too
  LMStudio = ONLY_MODELS,
  Gateway = ONLY_MODELS, -- LiteLLM's /health asks all of its models, and is paid for
  Poolkeeper = ONLY_MODELS,
  OpenAI = ONLY_MODELS, -- and whatever speaks like it
}
_M.AUTO = AUTO
local OTHERS = { TCP = {}, Models = ONLY_MODELS, Completion = { COMPLETION } }


-- The questions of one check, asked one after the other as long as the answers are good; none: connecting is all.
-- nil: there are no checks.
function _M.of(kind, provider)
  if kind == "Auto" then
    return AUTO[provider] or ONLY_MODELS
  end
  return OTHERS[kind]
end


-- Where a question is sent: the surfaces lie below /v1 or /beta, what describes the server itself lies beside them.
function _M.path(question, endpoint_path)
  if question.is_beside then
    endpoint_path = match(endpoint_path, "^(.*)/v%d+$") or match(endpoint_path, "^(.*)/beta$") or endpoint_path
  end
  return endpoint_path .. question.path
end


local function is_not_about_the_key(text)
  text = lower(sub(text, 1, SMALL_BYTES))
  for _, words in ipairs(NOT_A_WORD_ON_THE_KEY) do
    if find(text, words, 1, true) then
      return true
    end
  end
  return false
end


-- Refused: an endpoint that answers 404 to a list of models still answers.
local function of_refusal(question, status, text)
  if status == 401 then
    return finding(not question.is_about_account and is_not_about_the_key(text) and "Answered" or "CredentialsRejected")
  elseif status == 402 then
    return finding("BalanceExhausted")
  elseif status == 403 and question.is_about_account then
    return finding("CredentialsRejected")
  elseif status == 429 or status < 400 then
    return finding("Unclear")
  elseif status >= 500 or status == 408 then
    return finding("BadStatus")
  end
  return finding("Answered")
end


-- A request like any other: its refusals mean what they mean for requests.
local function of_refused_completion(status, text, provider, upstream_names)
  local refusal = classify.refusal(status, function() end, text, provider, 0)
  if refusal.class == "Credential" then
    return finding(refusal.reason)
  elseif refusal.class == "ModelMissing" then
    return finding("Answered", nil, { [upstream_names[1]] = false })
  elseif refusal.class == "Busy" or refusal.class == "ServerError" then
    return finding("BadStatus")
  end
  return finding("Unclear")
end


-- What an answer says. text: its body, as far as it was read (is_whole: to its end). endpoint: its provider, and its
-- upstream_names for the pool's models. decode: JSON text -> value, or nil.
function _M.finding(question, status, text, is_whole, endpoint, decode)
  if status >= 200 and status < 300 then
    if not is_whole and question.body_bytes == DECODED_BYTES then
      return finding("Answered")
    end
    return question.reads(text, endpoint.upstream_names, decode)
  end
  if question.generates then
    return of_refused_completion(status, text, endpoint.provider, endpoint.upstream_names)
  end
  return of_refusal(question, status, text)
end


-- May the next question of the check be asked?
function _M.is_good(known)
  return known.result == "Passed" or known.result == "Answered"
end


-- A check of several questions: what the next answer adds to what is known. Mere answers do not undo a proof.
function _M.and_then(known, next_one)
  if not known or not _M.is_good(next_one) then
    return next_one
  end
  local result = next_one.result == "Answered" and known.result or next_one.result
  local proves = { key = known.proves.key or next_one.proves.key, balance = known.proves.balance or next_one.proves.balance }
  return finding(result, proves, next_one.listed or known.listed, next_one.credit or known.credit)
end


return _M
