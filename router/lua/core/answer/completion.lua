-- Whole answers in OpenAI's shape and the streams that say the same: of an answer that was kept, of a text of our own, of
-- what a caller was sent piece by piece.

local encode = require "core.json.encode"
local transcripts = require "core.answer.transcript"

local _M = {}

local DONE_EVENT = "data: [DONE]\n\n"
local KINDS = {
  chat = { object = "chat.completion", chunk = "chat.completion.chunk" },
  completions = { object = "text_completion", chunk = "text_completion" },
}
KINDS.beta = KINDS.completions


local function given(value)
  return type(value) == "string" and value or nil
end


-- Can answers of this surface be said both ways?
function _M.knows(surface)
  return KINDS[surface] ~= nil
end


-- A text of our own, as if the model had said it. The answer as a table for json.encode.
function _M.of_text(surface, text, id, model, created_s)
  local choice = { index = 0, finish_reason = "stop" }
  if surface == "chat" then
    choice.message = { role = "assistant", content = text }
  else
    choice.text = text
  end
  return { id = id, object = KINDS[surface].object, created = created_s, model = model, choices = encode.list({ choice }),
           usage = { prompt_tokens = 0, completion_tokens = 0, total_tokens = 0 } }
end


-- The calls of a choice, in their order.
local function tool_calls_of(texts, ids)
  local places, calls = {}, {}
  for name in pairs(texts) do
    places[#places + 1] = tonumber(name:match("^tool:(%d+):name$"))
  end
  table.sort(places)
  for i, place in ipairs(places) do
    local prefix = transcripts.prefix(place)
    calls[i] = { id = ids[place] or "call_" .. place, type = "function",
                 ["function"] = { name = texts[prefix .. "name"], arguments = texts[prefix .. "arguments"] } }
  end
  return calls[1] and encode.list(calls)
end


-- What a caller was sent of a stream, as a whole answer; nil when it was more than one choice or not only text. last: its
-- last event, decoded; usage: its account, decoded; null: what its encoder takes for that.
function _M.of_stream(surface, sent, last, usage, null)
  local texts = sent:texts()
  local said = texts[0]
  local reason = given(last.choices[1].finish_reason)
  if not said or sent.is_opaque or next(texts, next(texts)) ~= nil or not reason then
    return nil
  end
  local choice = { index = 0, finish_reason = reason }
  if surface == "chat" then
    choice.message = { role = "assistant", content = said.content or null, tool_calls = tool_calls_of(said, sent.ids) }
    for name in pairs(transcripts.REASONING) do
      choice.message[name] = said[name]
    end
  else
    choice.text = said.text or ""
  end
  return { id = given(last.id), object = KINDS[surface].object, created = tonumber(last.created), model = given(last.model),
           choices = encode.list({ choice }), usage = usage and {
             prompt_tokens = tonumber(usage.prompt_tokens), completion_tokens = tonumber(usage.completion_tokens),
             total_tokens = tonumber(usage.total_tokens) } }
end


local function chunk_of(surface, answer, choices, usage)
  local chunk = { id = given(answer.id), object = KINDS[surface].chunk, created = tonumber(answer.created),
                  model = given(answer.model), choices = encode.list(choices), usage = usage }
  return "data: " .. encode.encode(chunk) .. "\n\n"
end


local function deltas_of(message)
  local delta = { role = "assistant", content = given(message.content) }
  for name in pairs(transcripts.REASONING) do
    delta[name] = given(message[name])
  end
  local calls = {}
  for i, call in ipairs(type(message.tool_calls) == "table" and message.tool_calls or {}) do
    call = type(call) == "table" and call or {}
    local named = type(call["function"]) == "table" and call["function"] or {}
    calls[i] = { index = i - 1, id = given(call.id), type = "function",
                 ["function"] = { name = given(named.name), arguments = given(named.arguments) } }
  end
  delta.tool_calls = calls[1] and encode.list(calls)
  return delta
end


-- A whole answer (decoded) as a stream; nil when it is none. wants_usage: did the caller ask for its account?
function _M.as_stream(surface, answer, wants_usage)
  local events = {}
  for _, choice in ipairs(type(answer.choices) == "table" and answer.choices or {}) do
    if type(choice) ~= "table" then
      return nil
    end
    local index, reason = tonumber(choice.index) or 0, given(choice.finish_reason)
    if type(choice.message) == "table" then
      events[#events + 1] = chunk_of(surface, answer, { { index = index, delta = deltas_of(choice.message),
                                                          finish_reason = encode.NULL } })
      events[#events + 1] = chunk_of(surface, answer, { { index = index, delta = {}, finish_reason = reason } })
    else
      events[#events + 1] = chunk_of(surface, answer, { { index = index, text = given(choice.text) or "",
                                                          finish_reason = reason } })
    end
  end
  if wants_usage and type(answer.usage) == "table" then
    events[#events + 1] = chunk_of(surface, answer, {}, {
      prompt_tokens = tonumber(answer.usage.prompt_tokens), completion_tokens = tonumber(answer.usage.completion_tokens),
      total_tokens = tonumber(answer.usage.total_tokens),
    })
  end
  return events[1] and table.concat(events) .. DONE_EVENT
end


return _M
