-- A stream of the Responses API as the whole response: its last event carries it. Some servers leave its list of items out
-- there; then it is made of the items that were said to be done.

local find = string.find

local edit = require "core.json.edit"
local events = require "core.forms.events"
local frame = require "core.answer.frame"

local _M = {}
local assembly = {}
assembly.__index = assembly

local ENDS = { ['"response.completed"'] = true, ['"response.incomplete"'] = true }
local ITEM_DONE = '"response.output_item.done"'
local SAYS_ALL = { '"response.completed"', '"response.incomplete"', ITEM_DONE }


-- size: bytes kept so far. items: by their place
function _M.new()
  return setmetatable({ frame = frame.new(), target = nil, size = 0, response = nil, items = {} }, assembly)
end


-- Nearly all events are pieces of text, which the last event says again.
local function says_all(data)
  for i = 1, #SAYS_ALL do
    if find(data, SAYS_ALL[i], 1, true) then
      return true
    end
  end
  return false
end


local function read(self, data)
  if not says_all(data) then
    return
  end
  local members = edit.object(data) or {}
  if ENDS[members.type] then
    self.response = members.response
  elseif members.type == ITEM_DONE and members.item then
    self.items[#self.items + 1] = { place = tonumber(members.output_index) or #self.items, item = members.item }
    self.size = self.size + #members.item
  end
end


-- text: whole events of a stream, as core/answer/stream.lua gives them out.
function assembly:add(text)
  events.add(self, text, read)
end


-- The items in the order of their places: servers end them in another one.
local function items_of(self)
  table.sort(self.items, function(one, other)
    return one.place < other.place
  end)
  local list = {}
  for i = 1, #self.items do
    list[i] = self.items[i].item
  end
  return edit.list(list)
end


-- The whole response; nil when the events had no end of one.
function assembly:whole()
  local response = self.response
  local output = response and edit.get(response, "output") or "null"
  if response and (output == "null" or not find(output, "[^%s%[%]]")) then
    return edit.set(response, { output = items_of(self) })
  end
  return response
end


return _M
