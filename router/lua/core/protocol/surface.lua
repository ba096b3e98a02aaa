-- What can be asked of a pool: the paths, what an answer of theirs must have, and the protocol that is spoken there. Which
-- endpoints offer a surface, and where: surface_support.lua.
--
-- A protocol (core/protocol): new_reader(decode, choices) gives the meaning of a stream's events (chunk.lua names the
-- kinds); DONE_EVENT is the end of a complete stream; read_whole(body, decode, member) decides for a complete body of
-- status 200 whether it is an answer, why it was cut (if it is none: its error, when that is not the body), and its token
-- usage; as_stream(body, surface, wants_usage) turns a whole answer into a stream, nil where that is impossible;
-- new_assembly(decode, {surface, provider}) puts the events of a stream together into a whole answer; new_record()
-- remembers what is sent of a stream and new_splice(…) joins another to it (transcript.lua and splice.lua do so without
-- them); error_body(message, code, status) and error_event(message, code) report errors of the router.

local counting = require "core.protocol.counting"
local anthropic = require "core.protocol.anthropic"
local openai = require "core.protocol.openai"
local responses = require "core.protocol.responses"

local find = string.find
local gmatch = string.gmatch
local lower = string.lower
local match = string.match
local sub = string.sub

local _M = {}

-- title: for people; member: the list that a complete answer has; takes_usage: is stream_options.include_usage known?
-- can_recover: may another endpoint continue an answer that broke off?
local CHAT = { name = "chat", title = "chat completions", protocol = openai, member = "choices", can_stream = true,
               takes_usage = true, can_recover = true, says_something = true }
local COMPLETIONS = { name = "completions", title = "text completions", protocol = openai, member = "choices",
                      can_stream = true, takes_usage = true, can_recover = true }
local BETA = { name = "beta", title = "FIM completions (beta)", protocol = openai, member = "choices", can_stream = true,
               takes_usage = true, can_recover = true }
local EMBEDDINGS = { name = "embeddings", title = "embeddings", protocol = openai, member = "data", can_stream = false,
                     takes_usage = false }
local MESSAGES = { name = "messages", title = "the Anthropic Messages API", protocol = anthropic, member = "content",
                   can_stream = true, takes_usage = false, can_recover = true, says_something = true }
local RESPONSES = { name = "responses", title = "the Responses API", protocol = responses, member = "output",
                    can_stream = true, takes_usage = false, can_recover = true, says_something = true }

local COUNT_TOKENS = { name = "count_tokens", title = "counting tokens (Messages API)", protocol = counting.of(anthropic),
                       member = "input_tokens", can_stream = false, takes_usage = false }
local TOKENIZE = { name = "tokenize", title = "the tokenizer", protocol = counting.of(openai), member = "count",
                   can_stream = false, takes_usage = false }

_M.CHAT = CHAT

_M.POST = {
  ["/v1/chat/completions"] = CHAT,
  ["/chat/completions"] = CHAT,
  ["/v1/completions"] = COMPLETIONS,
  ["/completions"] = COMPLETIONS,
  ["/v1/embeddings"] = EMBEDDINGS,
  ["/embeddings"] = EMBEDDINGS,
  ["/beta/completions"] = BETA,
  ["/v1/responses"] = RESPONSES,
  ["/responses"] = RESPONSES,
  ["/anthropic/v1/messages"] = MESSAGES,
  ["/v1/messages/count_tokens"] = COUNT_TOKENS,
  ["/v1/messages"] = MESSAGES, -- for clients that know a gateway by its root alone
  ["/tokenize"] = TOKENIZE,
}
-- What any of them ends in, the longest first.
local OPERATIONS = {
  { "/messages/count_tokens", COUNT_TOKENS },
  { "/chat/completions", CHAT },
  { "/completions", COMPLETIONS },
  { "/embeddings", EMBEDDINGS },
  { "/responses", RESPONSES },
  { "/messages", MESSAGES },
  { "/tokenize", TOKENIZE },
}
-- The words of base URLs before that: of versions, of protocols, of DeepSeek's beta, of providers whom a client used before
-- (Azure, DashScope, Ark, Fireworks), and of a path that is written as part of the base URL.
local BASE_WORDS = {
  v1 = true, v2 = true, v3 = true, v4 = true, v1beta = true, api = true, openai = true, anthropic = true, beta = true,
  ["compatible-mode"] = true, inference = true, models = true, engines = true, llm = true, chat = true, completions = true,
}
local NAMED = { deployments = true, engines = true } -- behind these comes a model's name
-- Requests to a base URL alone, which clients send to see whether the server answers.
local ROOTS = { [""] = true, ["/v1"] = true, ["/openai/v1"] = true, ["/beta"] = true, ["/anthropic"] = true }


-- Is this the start of a path as base URLs have it? Also: is one of its words "beta"?
local function is_base(path)
  local is_beta = false
  for word in gmatch(path, "[^/]+") do
    word = lower(word)
    if NAMED[word] then
      return true, is_beta
    elseif not BASE_WORDS[word] then
      return false
    end
    is_beta = is_beta or word == "beta"
  end
  return true, is_beta
end


-- The surface that is asked for at a path, nil: none; and is it DeepSeek's beta of it (prefix completion, strict tools)?
function _M.at(path)
  local surface = _M.POST[path]
  if surface then
    return surface, false
  end
  path = match(path, "^(.-)/*$")
  for i = 1, #OPERATIONS do
    local tail = OPERATIONS[i][1]
    if sub(path, -#tail) == tail then
      local is_there, is_beta = is_base(sub(path, 1, -#tail - 1))
      if not is_there then
        return nil, false
      end
      surface = OPERATIONS[i][2]
      if is_beta and surface == COMPLETIONS then
        return BETA, false
      end
      return surface, is_beta and surface == CHAT
    end
  end
  return nil, false
end


-- What to do about a path that has no surface: the base URL is wrong, or there is no such operation here.
function _M.remedy(path)
  local bare = match(path, "^(.-)/*$")
  local first = match(bare, "^/+([^/]+)/")
  local is_operation = false
  for i = 1, #OPERATIONS do
    local tail = OPERATIONS[i][1]
    is_operation = is_operation or sub(bare, -#tail) == tail
  end
  if first and BASE_WORDS[lower(first)] and not is_operation then
    return "It serves chat and text completions, embeddings, the Responses API, the Messages API and the list of models."
      .. " For anything else, call a provider that has it."
  end
  return "The base URL ends in /v1 for OpenAI's clients, in /anthropic for Anthropic's."
end


function _M.is_root(path)
  return ROOTS[match(path, "^(.-)/*$")] == true
end


-- The protocol of a path, served or not: the caller gets errors in it.
function _M.protocol_at(path)
  if find(path, "/anthropic/", 1, true) == 1 or find(path, "/v1/messages", 1, true) then
    return anthropic
  end
  return openai
end


local asked = {} -- surface -> model -> both; models come from documents only

-- The key of one model on one surface in an endpoint's records: it may have a model for chat, and not here.
function _M.asked(surface, model)
  local name = surface.name
  local models = asked[name]
  if not models then
    models = {}
    asked[name] = models
  end
  models[model] = models[model] or name .. " " .. model
  return models[model]
end


-- Is the pool's list of models asked for at a path, or one of them? Gives "" or the model's name.
function _M.model_at(path)
  local from, to = find(path, "/models", 1, true)
  if not from or not is_base(sub(path, 1, from - 1)) then
    return nil
  end
  local rest = match(sub(path, to + 1), "^(.-)/*$")
  if rest == "" then
    return rest
  end
  return match(rest, "^/(.+)$")
end


return _M
