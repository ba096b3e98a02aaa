-- A stream of the Responses API as the whole response: its last event carries it, all that its server left out included
-- (core/answer/response_items.lua).

local find = string.find

local edit = require "core.json.edit"
local events = require "core.forms.events"
local frame = require "core.answer.frame"

local _M = {}
local assembly = {}
assembly.__index = assembly

local ENDS = { ['"response.completed"'] = true, ['"response.incomplete"'] = true }


-- size: bytes kept so far
function _M.new()
  return setmetatable({ frame = frame.new(), target = nil, size = 0, response = nil }, assembly)
end


-- Nearly all events are pieces of text, which the last event says again.
local function read(self, data)
  for name in pairs(ENDS) do
    if find(data, name, 1, true) then
      local members = edit.object(data) or {}
      self.response = ENDS[members.type] and members.response or self.response
    end
  end
end


-- text: whole events of a stream, as core/answer/stream.lua gives them out.
function assembly:add(text)
  events.add(self, text, read)
end


-- The whole response; nil when the events had no end of one.
function assembly:whole()
  return self.response
end


return _M
