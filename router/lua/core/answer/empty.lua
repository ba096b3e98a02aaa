-- Answers that say they are complete ("stop", or no reason) and nothing else: no text, no tool call, no refusal, at most
-- thoughts.
-- Providers under load give them, and now and then a caller wants one; what to make of them is core/error/outcome.lua's
-- business.

local finish_reason = require "core.answer.finish_reason"
local has_content = require "core.answer.has_content"
local sketch = require "core.json.sketch"

local find = string.find

local _M = {}

-- Thoughts are no answer.
local THOUGHTS = { thinking = true, redacted_thinking = true, reasoning = true }
local TEXTS = { text = true, output_text = true }
local NOT_THE_ANSWER = { role = true, reasoning = true, reasoning_content = true, reasoning_details = true,
                         thinking = true, thinking_blocks = true }


-- Reasons that say no more than that the answer has ended.
_M.PLAIN_REASONS = { stop = true, STOP = true, unknown = true, other = true, eos = true, eos_token = true }


local function is_choice_empty(choice)
  local reason = type(choice) == "table" and finish_reason(choice.finish_reason)
  return type(choice) == "table" and (not reason or _M.PLAIN_REASONS[reason]) and type(choice.message) == "table"
    and not has_content(choice.message, NOT_THE_ANSWER)
end


-- Of a message and of a response: a part, which may have parts itself.
function _M.is_part_empty(part)
  if type(part) ~= "table" then
    return false
  end
  if part.type == "message" and type(part.content) == "table" then
    return _M.all(part.content, _M.is_part_empty)
  end
  return THOUGHTS[part.type] or TEXTS[part.type] and part.text == "" or false
end


function _M.all(items, is_empty)
  for i = 1, #items do
    if not is_empty(items[i]) then
      return false
    end
  end
  return true
end


-- Has a message or a response (decoded) ended of itself, with parts that say nothing?
function _M.is_made_of_nothing(value)
  local reason = finish_reason(value.stop_reason)
  local parts = value.type == "message" and (not reason or reason == "end_turn") and value.content
    or value.object == "response" and value.status == "completed" and value.output
  return type(parts) == "table" and _M.all(parts, _M.is_part_empty)
end


-- Does the start of the first content already show that an answer has some? (But details of reasoning may have a content,
-- too.)
local function shows_content(body)
  local _, name = find(body, '"content"', 1, true)
  return name and find(body, '^%s*:%s*"[^"]', name + 1) and not find(body, '"reasoning_details"', 1, true)
    or find(body, '"text"%s*,%s*"text"%s*:%s*"[^"]') or find(body, '"output_text"%s*,%s*"text"%s*:%s*"[^"]')
end


-- Is a whole answer empty? Nearly none is.
function _M.is_whole(body, decode)
  if not sketch.is_long(body) and shows_content(body) then
    return false
  end
  local value = decode(body)
  if type(value) ~= "table" then
    return false
  end
  local choices = value.choices
  if type(choices) ~= "table" then
    return _M.is_made_of_nothing(value)
  end
  return #choices > 0 and _M.all(choices, is_choice_empty)
end


-- May the caller have wanted nothing? One that names where to stop may be there at once; one that has begun the answer
-- itself may have said it all.
function _M.may_be_wanted(request_body, decode)
  local value = decode(request_body)
  local said = type(value) == "table" and (value.messages or value.input)
  if not said then
    return true
  end
  local last, stop = type(said) == "table" and said[#said], value.stop or value.stop_sequences
  return type(stop) == "string" or type(stop) == "table" and #stop > 0
    or type(last) == "table" and last.role == "assistant"
end


return _M
