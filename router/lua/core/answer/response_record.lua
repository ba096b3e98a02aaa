-- What a caller has been sent of a streamed response: its texts by channel, its items, and which events that carry no text.
-- Another endpoint's response is joined to it when it breaks off (response_splice.lua).

local message_record = require "core.answer.message_record"
local scan = require "core.json.scan"

local match = string.match

local _M = {}
local record = {}
record.__index = record

local IDENTITY = { "id", "created_at", "model" }


-- items: by output_index, {type, name, id}; channels: by key, a block of message_record.lua's; events: keys of what was
-- sent; identity: members of the response as JSON text. choices, is_opaque: as a transcript's.
function _M.new()
  return setmetatable({
    choices = {}, is_opaque = false, items = {}, channels = {}, events = {}, identity = nil, sequence = -1,
  }, record)
end


-- What an event is about: its type (a delta's and its end's without that word) and its place.
function _M.key(value, kind)
  return ("%s %s %s"):format(kind or value.type, tostring(value.output_index),
                             tostring(value.content_index or value.summary_index or ""))
end


-- The channel that an event adds to, or ends: its kind, and whether it is text.
function _M.channel_of(value)
  local kind = match(value.type, "^(.*)%.delta$")
  return kind, kind ~= nil and type(value.delta) == "string"
end


function _M.item_of(value)
  local item = type(value.item) == "table" and value.item or {}
  return { type = tostring(item.type), name = tostring(item.name), id = type(item.id) == "string" and item.id or nil }
end


local function identity_of(response)
  local identity = {}
  for _, name in ipairs(IDENTITY) do
    local value = response[name]
    identity[name] = type(value) == "string" and scan.quote(value) or type(value) == "number" and ("%.14g"):format(value)
      or nil
  end
  return identity
end


-- Remembers an event (decoded) that is passed on.
function record:read(value)
  if type(value.type) ~= "string" then
    return
  end
  self.sequence = tonumber(value.sequence_number) or self.sequence
  if not self.identity and type(value.response) == "table" then
    self.identity = identity_of(value.response)
  end
  local kind, is_text = _M.channel_of(value)
  if is_text then
    local key = _M.key(value, kind)
    self.channels[key] = self.channels[key] or { pieces = {} }
    message_record.add(self.channels[key], value.delta)
  else
    self.is_opaque = self.is_opaque or kind ~= nil -- a delta that is no text
    self.events[_M.key(value)] = true
  end
  if value.type == "response.output_item.added" and value.output_index then
    self.items[value.output_index] = _M.item_of(value)
  end
end


return _M
