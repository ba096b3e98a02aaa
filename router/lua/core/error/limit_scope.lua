-- Whose rate a provider limits: that of one model, or the whole account's. A limit that names the model is the model's;
-- else the provider's documentation decides. A wrong "model" costs one attempt for each other model; a wrong "account"
-- keeps good models idle.
--
--   provider                   limits     source
--   DeepSeek                   account    its 429 names the account's concurrency by its balance; quick_start/rate_limit
--   Poe                        account    creator.poe.com: 500 requests a minute, all bots together
--   Ollama                     account    ollama.com: an hour's use of its cloud, all models together
--   VLLM, SGLang, LlamaCpp,
--   LMStudio                   account    one server, one queue
--   Poolkeeper                 model      docs/surfaces.md: rate_limited is a model's; client_limit is ours, of all models
--   OpenRouter                 model      openrouter.ai/docs/api-reference/limits: free ones by day, others by provider
--   SiliconFlow                model      docs.siliconflow.com/en/userguide/rate-limits: requests and tokens by model
--   Together                   model      docs.together.ai: dynamic rate of organization and model
--   Fireworks                  model      docs.fireworks.ai: adaptive, by model
--   Gateway                    model      it passes on the limits of the providers behind its models
--   Perplexity, OpenAI         model      a leaky bucket by model; platform.openai.com/docs/guides/rate-limits: by model

local find = string.find
local lower = string.lower
local sub = string.sub

local _M = {}

local LOOKED_AT_BYTES = 4096
local OF_ACCOUNT = {
  DeepSeek = true, Poe = true, Ollama = true, VLLM = true, SGLang = true, LlamaCpp = true, LMStudio = true,
}
local ACCOUNT_WORDS = { "free-models-per-day", "free-models-per-min", "in_flight", '"client_limit"' } -- of the account


-- failure: of a request that was limited: limit (a connection limit that was named), answer {body} (nil: none). Is it the
-- limit of the account?
function _M.is_accounts(provider, failure, upstream_name)
  local text = failure.answer and lower(sub(failure.answer.body, 1, LOOKED_AT_BYTES)) or ""
  for i = 1, #ACCOUNT_WORDS do
    if find(text, ACCOUNT_WORDS[i], 1, true) then
      return true
    end
  end
  if failure.limit then
    return true
  end
  if upstream_name ~= "" and find(text, lower(upstream_name), 1, true) then
    return false
  end
  return OF_ACCOUNT[provider] == true
end


return _M
