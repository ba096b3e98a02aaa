-- A JSON object with some of its members replaced, and every other byte as it was: numbers keep their digits, empty lists
-- stay lists, the order stays.

local scan = require "core.json.scan"

local sub = string.sub
local concat = table.concat

local _M = {}


-- The raw text of an object's member; nil when it has none of that name. Of two the last one counts.
function _M.get(text, name)
  local members = scan.members(text)
  local found
  for i = 1, members and #members or 0, 3 do
    if members[i] == name then
      found = sub(text, members[i + 1], members[i + 2])
    end
  end
  return found
end


-- The members of an object: name -> JSON text; nil when text is none.
function _M.object(text)
  local places = scan.members(text)
  if not places then
    return nil
  end
  local members = {}
  for i = 1, #places, 3 do
    members[places[i]] = sub(text, places[i + 1], places[i + 2])
  end
  return members
end


-- changes: name -> its value as JSON text, or false where it is to go. nil when text is no object.
function _M.set(text, changes)
  local members = scan.members(text)
  if not members then
    return nil
  end
  local parts, seen, added = {}, {}, {}
  for i = 1, #members, 3 do
    local name, change = members[i], changes[members[i]]
    seen[name] = true
    if change ~= false then
      parts[#parts + 1] = '"' .. name .. '":' .. (change or sub(text, members[i + 1], members[i + 2]))
    end
  end
  for name, value in pairs(changes) do
    if value and not seen[name] then
      added[#added + 1] = '"' .. name .. '":' .. value
    end
  end
  table.sort(added)
  for i = 1, #added do
    parts[#parts + 1] = added[i]
  end
  return "{" .. concat(parts, ",") .. "}"
end


-- The items of a list, each as JSON text; nil when text is none.
function _M.items(text)
  local places = scan.items(text)
  if not places then
    return nil
  end
  local items = {}
  for i = 1, #places, 2 do
    items[#items + 1] = sub(text, places[i], places[i + 1])
  end
  return items
end


-- Changes with some more.
function _M.copy(changes, more)
  local all = {}
  for name, value in pairs(changes) do
    all[name] = value
  end
  for name, value in pairs(more) do
    all[name] = value
  end
  return all
end


function _M.list(items)
  return "[" .. concat(items, ",") .. "]"
end


return _M
