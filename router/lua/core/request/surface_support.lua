-- Which surfaces a provider offers, at which path, and how it wants to be shown its key there.
--
-- Chat, text completions and embeddings are sent to every endpoint: one that has none answers 404, which is remembered.
-- Other surfaces only to providers that document them, because servers answer unknown paths with anything from 404 to
-- 200:
--
--   provider     messages                responses   source
--   DeepSeek     /anthropic/v1/messages  yes         api-docs.deepseek.com: api/create-message, guides/responses_api
--   OpenRouter   yes                     yes         openrouter.ai/docs: api_reference (messages; responses, in beta)
--   Poe          no, Claude only         yes         creator.poe.com/docs: external-applications
--   Perplexity   no                      no          docs.perplexity.ai: offers no DeepSeek model by these
--   SiliconFlow  yes                     no          docs.siliconflow.cn: api-reference/chat-completions/messages
--   Together     yes                     yes         docs.together.ai: inference/messages-api, inference/responses-api
--   Fireworks    yes                     yes         docs.fireworks.ai: anthropic-compatibility, response-api
--   VLLM         yes, since 0.11.1       yes         docs.vllm.ai: entrypoints.anthropic, openai-compatible server
--   SGLang       yes                     yes         docs.sglang.io: basic_usage/anthropic_api; its http_server
--   Ollama       yes                     yes         docs.ollama.com: api/anthropic-compatibility, openai-compatibility
--   LlamaCpp     yes, since January 2026 yes         tools/server/README
--   LMStudio     yes                     yes         lmstudio.ai/docs: anthropic-compat, openai-compat/responses
--   Gateway      yes                     yes         docs.litellm.ai: anthropic_unified, response_api
--   Poolkeeper   yes                     yes         docs/surfaces.md: what its own endpoints have
--   OpenAI       no                      yes         platform.openai.com/docs/api-reference (and compatible servers)
--
-- Tokens are counted by DeepSeek (/anthropic/v1/messages/count_tokens) and by VLLM, SGLang and LlamaCpp
-- (/v1/messages/count_tokens), and by Gateway there; VLLM and SGLang have /tokenize beside /v1. An endpoint's base URL may
-- end in /v1, in /beta, or in neither.
--
-- FIM (beta) and continuing a chat's answer (prefix) are DeepSeek's, beside /v1 like its messages. All of these take the
-- key as a bearer token (Ollama's cloud nothing else); DeepSeek's messages surface documents x-api-key first, as
-- Anthropic has it.

local _M = {}

local BEARER = { key_line = "\r\nAuthorization: ", key_member = "bearer" }
local API_KEY = { key_line = "\r\nX-Api-Key: ", key_member = "value" }


local function below(tail, key)
  return function(path)
    return { path = path .. tail, key_line = key.key_line, key_member = key.key_member }
  end
end


local function beside_v1(tail, key)
  return function(path)
    return { path = path:gsub("/v1$", ""):gsub("/beta$", "") .. tail, key_line = key.key_line, key_member = key.key_member }
  end
end


local EVERYBODY = {
  chat = below("/chat/completions", BEARER),
  completions = below("/completions", BEARER),
  embeddings = below("/embeddings", BEARER),
}
local BETA = beside_v1("/beta/completions", BEARER)
local MESSAGES = below("/messages", BEARER)
local RESPONSES = below("/responses", BEARER)
local BOTH = { messages = MESSAGES, responses = RESPONSES }
local COUNT_TOKENS = below("/messages/count_tokens", BEARER)
local TOKENIZE = beside_v1("/tokenize", BEARER)
local SERVER = { messages = MESSAGES, responses = RESPONSES, count_tokens = COUNT_TOKENS, tokenize = TOKENIZE }

local OFFERS = {
  DeepSeek = { beta = BETA, prefix = beside_v1("/beta/chat/completions", BEARER),
               messages = beside_v1("/anthropic/v1/messages", API_KEY), responses = RESPONSES,
               count_tokens = beside_v1("/anthropic/v1/messages/count_tokens", API_KEY) },
  OpenRouter = BOTH,
  Poe = { responses = RESPONSES },
  Perplexity = {},
  SiliconFlow = { messages = MESSAGES },
  Together = BOTH,
  Fireworks = BOTH,
  VLLM = SERVER,
  SGLang = SERVER,
  Ollama = BOTH,
  LlamaCpp = { messages = MESSAGES, responses = RESPONSES, count_tokens = COUNT_TOKENS },
  LMStudio = BOTH,
  Poolkeeper = { beta = BETA, prefix = beside_v1("/beta/chat/completions", BEARER), messages = MESSAGES,
                 responses = RESPONSES, count_tokens = COUNT_TOKENS, tokenize = TOKENIZE },
  OpenAI = { beta = BETA, responses = RESPONSES },
  Gateway = { messages = MESSAGES, responses = RESPONSES, count_tokens = COUNT_TOKENS },
}
_M.OFFERS = OFFERS


-- What an endpoint offers, by the surface's name: {path, key_line, key_member}. path: the endpoint's prefix.
function _M.of(provider, path)
  local places = {}
  for _, offers in ipairs({ EVERYBODY, OFFERS[provider] or OFFERS.OpenAI }) do
    for surface, place_at in pairs(offers) do
      places[surface] = place_at(path)
    end
  end
  return places
end


-- The providers that offer a surface, as people read it; nil when all do.
function _M.providers_of(surface)
  if EVERYBODY[surface] then
    return nil
  end
  local names = {}
  for provider, offers in pairs(OFFERS) do
    if offers[surface] then
      names[#names + 1] = provider
    end
  end
  table.sort(names)
  return table.concat(names, ", ")
end


return _M
