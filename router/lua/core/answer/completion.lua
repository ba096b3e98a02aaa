-- Whole answers in OpenAI's shape: of a text of our own, of what a caller was sent piece by piece. As streams:
-- openai_forms.lua.

local encode = require "core.json.encode"
local transcripts = require "core.answer.transcript"

local _M = {}

local OBJECTS = { chat = "chat.completion", completions = "text_completion", beta = "text_completion" }
-- Channels of a stream that a whole answer has a place for.
local KEPT = { content = true, text = true, refusal = true, reasoning = true, reasoning_content = true }


local function given(value)
  return type(value) == "string" and value or nil
end


-- Can a whole answer of this surface become a stream, and a stream a whole answer?
function _M.knows(surface)
  return OBJECTS[surface] ~= nil
end


-- A text of our own, as if the model had said it. The answer as a table for json.encode.
function _M.of_text(surface, text, id, model, created_s)
  local choice = { index = 0, finish_reason = "stop" }
  if surface == "chat" then
    choice.message = { role = "assistant", content = text }
  else
    choice.text = text
  end
  return { id = id, object = OBJECTS[surface], created = created_s, model = model, choices = encode.list({ choice }),
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


-- Does a whole answer have a place for all that was sent?
local function is_kept_whole(said)
  for name in pairs(said) do
    if not KEPT[name] and not name:find("^tool:") then
      return false
    end
  end
  return true
end


-- What a caller was sent of a stream, as a whole answer; nil when it was more than one choice, or more than has a place
-- there. last: its last event, decoded; usage: its account, decoded; null: what its encoder takes for that.
function _M.of_stream(surface, sent, last, usage, null)
  local texts = sent:texts()
  local said = texts[0]
  local reason = given(last.choices[1].finish_reason)
  if not said or sent.is_opaque or sent.has_more or next(texts, next(texts)) ~= nil or not reason
      or not is_kept_whole(said) then
    return nil
  end
  local choice = { index = 0, finish_reason = reason }
  if surface == "chat" then
    choice.message = { role = "assistant", content = said.content or null, refusal = said.refusal,
                       tool_calls = tool_calls_of(said, sent.ids) }
    for name in pairs(transcripts.REASONING) do
      choice.message[name] = said[name]
    end
  else
    choice.text = said.text or ""
  end
  return { id = given(last.id), object = OBJECTS[surface], created = tonumber(last.created), model = given(last.model),
           system_fingerprint = given(last.system_fingerprint), choices = encode.list({ choice }), usage = usage }
end


return _M
