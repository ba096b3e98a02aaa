-- Is a request for a whole answer to be asked of an endpoint as a stream, which the router puts together? Then the first
-- token, a stall and a cut are seen under way. Where a stream cannot give what the whole answer would say, or nobody knows
-- whether it does, the request is asked as it came:
--
--   asked as it came                  because
--   n to list: best_of, echo,         servers refuse them in streams, or stream another text (OpenAI's reference: best_of
--     prompt_logprobs                   "results cannot be streamed"; vLLM: prompt_logprobs)
--   a list of prompts                 it has as many answers, and who has ended is not known
--   audio, modalities, images         the parts come in another form (audio in pcm16 only)
--   background                        the whole answer is a ticket, and comes at once
--   return_hidden_states              are given with whole answers only (SGLang)
--   logprobs, top_logprobs            except for providers that are known to stream them (STREAMS_LOGPROBS)
--   messages                          except for providers whose streams are known to say all (KNOWN)
--   other surfaces                    have no streams
--
-- What an endpoint itself shows (it refuses to stream, or to count tokens in a stream, or sends a whole answer anyway) is
-- remembered by nginx/endpoint/addition_refusals.lua.

local find = string.find
local sub = string.sub

local _M = {}

local NEVER = { best_of = true, echo = true, prompt_logprobs = true, audio = true, modalities = true, background = true,
                return_hidden_states = true }
local LOGPROBS = { logprobs = true, top_logprobs = true }
local NOTHING = { ["null"] = true, ["false"] = true, ["0"] = true }
-- Sources: api-docs.deepseek.com (create-chat-completion: logprobs of the stream's choices); vLLM's, SGLang's and
-- llama.cpp's servers write them into each chunk.
local STREAMS_LOGPROBS = { DeepSeek = true, VLLM = true, SGLang = true, LlamaCpp = true }
local KNOWN = {
  messages = { DeepSeek = true, OpenRouter = true, VLLM = true, SGLang = true, LlamaCpp = true },
}

_M.NEVER, _M.LOGPROBS = "never", "logprobs"


-- What of a request (core/request/body.lua) keeps it from being streamed: NEVER, LOGPROBS (but some providers), or nil.
local function obstacle(parsed)
  local members, found = parsed.members, nil
  for i = 1, #members, 3 do
    local name, from, to = members[i], members[i + 1], members[i + 2]
    if NEVER[name] and not (to - from < 5 and NOTHING[sub(parsed.body, from, to)]) then
      return _M.NEVER
    elseif name == "prompt" and find(parsed.body, "^%[", from) then
      return _M.NEVER
    elseif LOGPROBS[name] and not (to - from < 5 and NOTHING[sub(parsed.body, from, to)]) then
      found = _M.LOGPROBS
    end
  end
  return found
end


-- parsed: the request; surface: its surface; provider: the endpoint's.
function _M.is_possible(parsed, surface, provider)
  if not surface.can_stream or KNOWN[surface.name] and not KNOWN[surface.name][provider] then
    return false
  end
  if parsed.obstacle == nil then
    parsed.obstacle = obstacle(parsed) or false
  end
  return not parsed.obstacle or parsed.obstacle == _M.LOGPROBS and STREAMS_LOGPROBS[provider] == true
end


return _M
