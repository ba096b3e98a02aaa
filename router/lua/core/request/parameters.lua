-- Parameters that an endpoint has its own word on: some are set, some have a default or a highest value, some are removed.
-- The value of every other member goes on byte by byte. A path names a member of an object in an object: thinking.type.

local find = string.find
local gmatch = string.gmatch
local sort = table.sort
local sub = string.sub
local concat = table.concat

local body = require "core.request.body"
local scan = require "core.json.scan"

local _M = {}

local SURFACES = { "chat", "completions", "messages", "responses" } -- those that generate from a prompt
local NAME_MAX_BYTES = 384 -- of a member that a path can name, were each of its characters an escape


local function new_node()
  return { nodes = {}, names = {} }
end


local function child(node, name)
  if not node.nodes[name] then
    node.nodes[name] = new_node()
    node.names[#node.names + 1] = name
    sort(node.names)
  end
  return node.nodes[name]
end


-- The rules of one surface as a tree of members; nil when there are none.
local function tree(rules, surface)
  local root = new_node()
  for _, rule in ipairs(rules) do
    local applies = #rule.surfaces == 0
    for _, name in ipairs(rule.surfaces) do
      applies = applies or name == surface
    end
    if applies then
      local node = root
      for name in gmatch(rule.path, "[^.]+") do
        node.is_set_below = node.is_set_below or rule.set ~= nil
        node = child(node, name)
      end
      node.set, node.default, node.maximum, node.is_removed = rule.set, rule.default, rule.maximum, rule.remove
    end
  end
  return #root.names > 0 and root or nil
end


-- rules: a list of {path, set, default, maximum, remove, surfaces}; set and default are JSON text; no surfaces: all of
-- them. Surface -> what apply wants; nil when there are no rules.
function _M.prepare(rules)
  if #rules == 0 then
    return nil
  end
  local by_surface = {}
  for _, surface in ipairs(SURFACES) do
    by_surface[surface] = tree(rules, surface)
  end
  return by_surface
end


local function is_object(text)
  return text and find(text, "^%s*{") ~= nil
end


-- A number beyond the maximum, or a text that a server may read as a number, becomes the maximum. Without a value there is
-- nothing to limit: a default belongs beside a maximum.
local function limited(text, maximum)
  if not maximum or not text or text == "null" then
    return text
  end
  local number = tonumber(text)
  return number and number <= maximum and text or ("%.14g"):format(maximum)
end


local edited


-- The text of a member with its rules applied; nil: it is left out. text nil: it is missing.
local function value_of(node, text, decode, pause)
  if node.is_removed then
    text = nil
  end
  if text == nil or text == "null" then
    text = node.default or text
  end
  text = limited(text, node.maximum)
  text = node.set or text
  if #node.names == 0 then
    return text
  end
  if is_object(text) then
    return edited(node, text, decode, pause)
  end
  if text and text ~= "null" and not node.is_set_below then
    return text -- a caller's value that is no object: a default beneath it is none for it
  end
  local made = edited(node, "{}", decode, pause)
  if made == "{}" then
    return text
  end
  return made
end


function edited(node, text, decode, pause)
  local members = scan.members(text, pause)
  if not members then
    return text
  end
  local parts, count, seen = {}, 0, {}
  for i = 1, #members, 3 do
    local raw, value = members[i], sub(text, members[i + 1], members[i + 2])
    local name = #raw <= NAME_MAX_BYTES and body.plain(raw, decode)
    local rules = name and node.nodes[name]
    if rules then
      seen[name] = true
      value = value_of(rules, value, decode, pause)
    end
    if value then
      count = count + 1
      parts[count] = '"' .. raw .. '":' .. value
    end
  end
  for _, name in ipairs(node.names) do
    local value = not seen[name] and value_of(node.nodes[name], nil, decode, pause)
    if value then
      count = count + 1
      parts[count] = '"' .. name .. '":' .. value
    end
  end
  return "{" .. concat(parts, ",") .. "}"
end


-- A request's body with the rules applied. rules: of prepare, or nil. decode: JSON text -> value, asked only for names with
-- escapes. pause: as in core/json/scan.lua.
function _M.apply(rules, text, decode, pause)
  return rules and edited(rules, text, decode, pause) or text
end


return _M
