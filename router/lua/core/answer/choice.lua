-- One choice of a chunk, decoded: can clients read it, what does it add, and why did it end?

local finish_reason = require "core.answer.finish_reason"
local has_content = require "core.answer.has_content"

local next = next

local _M = {}

local NO_CONTENT = { role = true }


-- Has this an identity of its own, as a choice or a tool call? (JSON knows no NaN, decoders do.)
function _M.is_one(item)
  local index = type(item) == "table" and (tonumber(item.index) or 0)
  return index and index == index
end


-- Its text, whether it has any, why it ended, and its place among the choices.
function _M.read(choice)
  local delta = choice.delta
  if type(delta) ~= "table" then
    delta = { text = choice.text }
  end
  return delta, has_content(delta, NO_CONTENT), finish_reason(choice.finish_reason), tonumber(choice.index) or 0
end


-- Are there tool calls that are none?
function _M.has_odd_calls(delta)
  local calls = type(delta) == "table" and delta.tool_calls
  for i = 1, type(calls) == "table" and #calls or 0 do
    if not _M.is_one(calls[i]) then
      return true
    end
  end
  return false
end


-- Some servers give the one tool call they have as an object. Makes a list of it; was there one?
function _M.lists_call(delta)
  local call = type(delta) == "table" and delta.tool_calls
  if type(call) ~= "table" or #call > 0 or next(call) == nil then
    return false
  end
  delta.tool_calls = { call }
  return true
end


return _M
