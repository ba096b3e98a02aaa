-- Functions that an answer calls, in pieces: its tool calls, and the one call of the older form. Which call a piece
-- belongs to: core/answer/tool_calls.lua.

local byte = string.byte

local edit = require "core.json.edit"
local pieces = require "core.forms.pieces"
local scan = require "core.json.scan"
local tool_calls = require "core.answer.tool_calls"

local inner, text_of, keep, put = pieces.inner, pieces.text_of, pieces.keep, pieces.put

local _M = {}
local calls = {}
calls.__index = calls

local QUOTE, OPEN_BRACE = 34, 123
local NULL, EMPTY = "null", '""'
local FUNCTION = '"function"' -- what a call is where none says it, as clients want to read it
-- The first one's, because some give every piece another.
local SAID_FIRST = { id = true, type = true, index = true }


-- by_place: place -> {members, called}
function _M.new()
  return setmetatable({ places = tool_calls.new(), by_place = {} }, calls)
end


function _M.new_function()
  return { name = "", texts = { arguments = pieces.new() }, more = {} }
end


-- A function's name and arguments. Some say the name with every piece. assembly: {size}.
function _M.add_function(assembly, known, raw)
  for name, value in pairs(raw and edit.object(raw) or {}) do
    if name == "arguments" and byte(value) == OPEN_BRACE then
      known.texts.arguments = pieces.new() -- all of them, as an object
      known.texts.arguments:add(keep(assembly, inner(scan.quote(value))))
    elseif byte(value) ~= QUOTE then
      put(assembly, known.more, name, value)
    elseif name ~= "name" then
      text_of(known.texts, name):add(keep(assembly, inner(value)))
    elseif inner(value) ~= known.name then
      known.name = known.name .. keep(assembly, inner(value))
    end
  end
end


function _M.whole_function(known)
  local members = edit.copy(known.more, { name = '"' .. known.name .. '"' })
  for name, text in pairs(known.texts) do
    members[name] = '"' .. text:joined() .. '"'
  end
  return edit.set("{}", members)
end


-- A piece of a call, as JSON text. assembly: {size, decode}; position: in its list, from 1.
function calls:add(assembly, raw, position)
  local call = assembly.decode(raw)
  if type(call) ~= "table" then
    return
  end
  local place = self.places:place_of(call, position)
  local known = self.by_place[place]
  if not known then
    known = { members = {}, called = _M.new_function() }
    self.by_place[place] = known
  end
  for name, value in pairs(edit.object(raw)) do
    if name == "function" then
      _M.add_function(assembly, known.called, value)
    elseif not SAID_FIRST[name] then
      put(assembly, known.members, name, value)
    elseif not known.members[name] and value ~= NULL and value ~= EMPTY then
      known.members[name] = value
    end
  end
end


-- The list of calls; nil when there are none. keeps_index: does each have its index?
function calls:whole(keeps_index)
  local places, items = {}, {}
  for place in pairs(self.by_place) do
    places[#places + 1] = place
  end
  table.sort(places)
  for i, place in ipairs(places) do
    local call = self.by_place[place]
    items[i] = edit.set("{}", edit.copy(call.members, {
      index = keeps_index and ("%d"):format(i - 1) or false, ["function"] = _M.whole_function(call.called),
      type = call.members.type or FUNCTION,
    }))
  end
  return items[1] and edit.list(items)
end


return _M
