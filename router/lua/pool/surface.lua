-- What can be asked of a pool: the paths, where an endpoint serves them, what an answer of theirs must have, and the
-- protocol that is spoken there.
--
-- A protocol (pool/protocol): new_reader(decode, choices) tells the meaning of a stream's events (chunk.lua names the
-- kinds); DONE_EVENT is the end of a stream that has said all; is_answer(body, decode, member), cut_reason(body) and
-- usage_of(body) judge a whole answer; error_body(message, code, status) and error_event(message, code) say what went
-- wrong here.

local openai = require "pool.protocol.openai"

local _M = {}


local function tail(text)
  return function(endpoint_path)
    return endpoint_path .. text
  end
end


-- DeepSeek's beta surface lies beside /v1, not below it.
local function beta_tail(text)
  return function(endpoint_path)
    return endpoint_path:gsub("/v1$", "") .. "/beta" .. text
  end
end


-- member: the list that a complete answer has; path_at: the endpoint's prefix -> the path there
local CHAT = { name = "chat", member = "choices", can_stream = true, path_at = tail("/chat/completions") }
local COMPLETIONS = { name = "completions", member = "choices", can_stream = true, path_at = tail("/completions") }
local EMBEDDINGS = { name = "embeddings", member = "data", can_stream = false, path_at = tail("/embeddings") }
local BETA_COMPLETIONS = { name = "beta", member = "choices", can_stream = true, path_at = beta_tail("/completions") }

_M.POST = {
  ["/v1/chat/completions"] = CHAT,
  ["/chat/completions"] = CHAT,
  ["/v1/completions"] = COMPLETIONS,
  ["/completions"] = COMPLETIONS,
  ["/v1/embeddings"] = EMBEDDINGS,
  ["/embeddings"] = EMBEDDINGS,
  ["/beta/completions"] = BETA_COMPLETIONS,
}

-- The protocol of whoever asks at a path, served or not: errors are told in it.
function _M.protocol_at(path)
  return openai
end


_M.MODELS = { ["/v1/models"] = true, ["/models"] = true }

return _M
