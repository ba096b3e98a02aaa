-- Streams whose events say in their data what type they are (Anthropic's, the Responses API's): what is common to reading
-- them. What the types mean is the protocol's business.

local byte = string.byte
local find = string.find
local match = string.match
local sub = string.sub

local chunk = require "core.answer.chunk"
local frame = require "core.answer.frame"
local heartbeat = require "core.answer.heartbeat"
local lenient = require "core.json.lenient"
local add = require("core.answer.message_record").add
local sse = require "core.answer.sse"

local fits = frame.fits

local _M = {}
local reader = {}
reader.__index = reader

local COLON = 58
local DONE_DATA = "[DONE]"


-- decode: JSON text -> value, or nil. understand(reader, value, event, data): what a decoded event means, and its detail.
-- is_empty, contents, instead: as chunk.lua's. needs_names: do clients know an event by its name alone? last_event(reader,
-- is_said): the last event of a stream that has none, nil where it is not whole; is_said: the server says that it is over.
function _M.new(decode, understand, needs_names, last_event)
  return setmetatable({
    needs_names = needs_names, last_event = last_event,
    decode = decode, understand = understand, usage = nil, frame = frame.new(), record = nil, closing = nil, block = nil,
    is_empty = true, contents = 0, instead = nil,
  }, reader)
end


-- From now on, what is passed on is remembered (core/answer/message_record.lua).
function reader:record_into(record)
  self.record, self.closing, self.frame = record, {}, frame.new()
end


function _M.is_given(value)
  return value ~= nil and type(value) ~= "userdata" -- cjson's null
end


-- As stream.lua passes events on: what closes a part of the answer with the one after it, and never before a bad end.
local function remember(self, kind, value)
  if kind == chunk.CLOSING then
    self.closing[#self.closing + 1] = value
  elseif kind ~= chunk.CUT and kind ~= chunk.ERROR then
    for i = 1, #self.closing do
      self.record:read(self.closing[i])
    end
    self.closing, self.block = {}, self.record:read(value)
  end
end


-- What the event text[from..to] means; with ERROR also its data, with CUT the reason.
function reader:read(text, from, to)
  self.instead = nil
  local first_char, last_char = fits(self.frame, text, from, to)
  if first_char then
    if self.block then
      add(self.block, sub(text, first_char, last_char))
    end
    self.is_empty, self.contents = false, self.contents + 1
    return chunk.CONTENT
  end
  local event = sub(text, from, to)
  if byte(event, 1) == COLON and not find(event, "[\r\n][^:\r\n]") then
    return chunk.NOISE
  end
  local data, name = sse.data(event)
  if not data then
    data = sse.unnamed(event)
    name = data and match(event, "^error") or name
  end
  if not data or data == "" then
    return name == "error" and chunk.ERROR or chunk.NOISE, ""
  elseif data == DONE_DATA and self.last_event then
    self.instead = self:last_event(true)
    return self.instead and chunk.COMPLETED or chunk.INVALID, data
  end
  local value = lenient(self.decode, data)
  if type(value) ~= "table" and name ~= "error" and heartbeat(data) then
    self.instead = ""
    return chunk.NOISE
  elseif type(value) ~= "table" then
    return name == "error" and chunk.ERROR or chunk.INVALID, data -- [DONE] too: it is no event of these protocols
  end
  if value.type == "error" or name == "error" or _M.is_given(value.error) then
    return chunk.ERROR, data
  end
  if self.needs_names and not name and type(value.type) == "string" then
    self.instead, self.frame = sse.event(data, value.type), frame.new()
  end
  local kind, detail = self:understand(value, event, data)
  self.is_empty = self.is_empty and kind ~= chunk.CONTENT
  self.contents = self.contents + (kind == chunk.CONTENT and 1 or 0)
  if self.record then
    remember(self, kind, value)
  end
  return kind, detail
end


return _M
