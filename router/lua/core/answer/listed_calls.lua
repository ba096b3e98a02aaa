-- Tool calls as clients read them, in a list, where a server gives the one that it has as an object.

local byte = string.byte
local find = string.find

local edit = require "core.json.edit"

local _M = {}

local NAME = '"tool_calls"'
local OPEN_BRACE = 123


-- Does an answer's text have such a call? Nearly none has.
function _M.is_needed(body)
  local _, stop = find(body, NAME, 1, true)
  return stop ~= nil and find(body, "^%s*:%s*{", stop + 1) ~= nil
end


local function of_choice(choice, member)
  local said = edit.get(choice, member)
  local calls = said and edit.get(said, "tool_calls")
  if not calls or byte(calls) ~= OPEN_BRACE then
    return choice
  end
  return edit.set(choice, { [member] = edit.set(said, { tool_calls = edit.list({ calls }) }) })
end


-- data: an answer, or an event's data, as JSON text; member: of its choices, "message" or "delta".
function _M.of(data, member)
  local choices = edit.items(edit.get(data, "choices") or "")
  for i = 1, choices and #choices or 0 do
    choices[i] = of_choice(choices[i], member)
  end
  return choices and edit.set(data, { choices = edit.list(choices) }) or data
end


return _M
