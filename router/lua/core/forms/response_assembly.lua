-- A stream of the Responses API as the whole response: its last event carries it. Some servers leave its list of items out
-- there; then it is made of the items that were said to be done.

local find = string.find

local edit = require "core.json.edit"
local events = require "core.forms.events"
local frame = require "core.answer.frame"
local pieces = require "core.forms.pieces"

local _M = {}
local assembly = {}
assembly.__index = assembly

local ENDS = { ['"response.completed"'] = true, ['"response.incomplete"'] = true }
local ITEM_DONE = '"response.output_item.done"'


-- size: bytes kept so far
function _M.new()
  return setmetatable({ frame = frame.new(), target = nil, size = 0, response = nil, items = pieces.new(",") }, assembly)
end


local function read(self, data)
  if not (find(data, '"response.completed"', 1, true) or find(data, '"response.incomplete"', 1, true)
          or find(data, ITEM_DONE, 1, true)) then
    return -- nearly all events are pieces of text, which the last event says again
  end
  local members = edit.object(data) or {}
  if ENDS[members.type] then
    self.response = members.response
  elseif members.type == ITEM_DONE and members.item then
    self.items:add(members.item)
    self.size = self.size + #members.item
  end
end


-- text: whole events of a stream, as core/answer/stream.lua gives them out.
function assembly:add(text)
  events.add(self, text, read)
end


-- The whole response; nil when the events had no end of one.
function assembly:whole()
  local response = self.response
  if response and not find(edit.get(response, "output") or "", "[^%s%[%]]") then
    return edit.set(response, { output = "[" .. self.items:joined() .. "]" })
  end
  return response
end


return _M
