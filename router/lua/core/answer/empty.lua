-- Answers that say they are complete ("stop", or no reason) and nothing else: no text, no tool call, no refusal, at most
-- thoughts.
-- Providers under load give them, and now and then a caller wants one; what to make of them is core/error/outcome.lua's
-- business.

local finish_reason = require "core.answer.finish_reason"
local has_content = require "core.answer.has_content"

local find = string.find

local _M = {}

-- Thoughts are no answer.
local NOT_THE_ANSWER = { role = true, reasoning = true, reasoning_content = true, reasoning_details = true }


-- Is a whole chat answer empty? Nearly none is, and of those the start of the first content tells (but details of reasoning
-- may have a content, too).
function _M.is_whole(body, decode)
  local _, name = find(body, '"content"', 1, true)
  if name and find(body, '^%s*:%s*"[^"]', name + 1) and not find(body, '"reasoning_details"', 1, true) then
    return false
  end
  local value = decode(body)
  local choices = type(value) == "table" and value.choices
  if type(choices) ~= "table" or #choices == 0 then
    return false
  end
  for i = 1, #choices do
    local choice = choices[i]
    local reason = type(choice) == "table" and finish_reason(choice.finish_reason)
    if type(choice) ~= "table" or reason and reason ~= "stop" or type(choice.message) ~= "table"
        or has_content(choice.message, NOT_THE_ANSWER) then
      return false
    end
  end
  return true
end


-- May the caller have wanted nothing? One that names where to stop may be there at once; one that has begun the answer
-- itself may have said it all.
function _M.may_be_wanted(request_body, decode)
  local value = decode(request_body)
  if type(value) ~= "table" or type(value.messages) ~= "table" then
    return true
  end
  local last = value.messages[#value.messages]
  local stop = type(value.stop)
  return stop == "string" or stop == "table" and #value.stop > 0
    or type(last) == "table" and last.role == "assistant"
end


return _M
