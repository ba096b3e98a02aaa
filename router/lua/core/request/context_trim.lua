-- A conversation that is too long for a model, made shorter: what the system says and the last turns stay, whole. A turn
-- starts with what the user says and holds all that follows from it, so a tool's call is never parted from its answer.

local sub = string.sub
local concat = table.concat

local scan = require "core.json.scan"

local _M = {}

local OF_THE_SYSTEM = { system = true, developer = true }


-- Where the turns start, and how many messages come before the first and are the system's; nil: not such a conversation.
local function turns_of(messages)
  local starts, before = {}, 0
  for i = 1, #messages do
    local role = type(messages[i]) == "table" and messages[i].role
    if role == "user" and (i == 1 or messages[i - 1].role ~= "user") then
      starts[#starts + 1] = i
    elseif not starts[1] and OF_THE_SYSTEM[role] then
      before = i
    elseif not starts[1] then
      return nil
    end
  end
  return starts, before
end


-- messages: the text of the list, as the caller wrote it; decode: of JSON. Gives the shorter list and how many turns went;
-- nil when there is none to spare.
function _M.messages(text, keep_turns, decode)
  local list, places = decode(text), scan.items(text)
  local starts, before
  if type(list) == "table" and places then
    starts, before = turns_of(list)
  end
  local gone = starts and #starts - keep_turns or 0
  if gone < 1 then
    return nil
  end
  local kept = {}
  for i = 1, #list do
    if i <= before or i >= starts[gone + 1] then
      kept[#kept + 1] = sub(text, places[2 * i - 1], places[2 * i])
    end
  end
  return "[" .. concat(kept, ",") .. "]", gone
end


-- The same for a whole request's body.
function _M.body(body, keep_turns, decode)
  local members = scan.members(body)
  for i = 1, members and #members or 0, 3 do
    if members[i] == "messages" then
      local from, to = members[i + 1], members[i + 2]
      local shorter, gone = _M.messages(sub(body, from, to), keep_turns, decode)
      return shorter and sub(body, 1, from - 1) .. shorter .. sub(body, to + 1), gone
    end
  end
  return nil
end


return _M
