-- Streams whose events say in their data what type they are (Anthropic's, the Responses API's): what is common to reading
-- them. What the types mean is the protocol's business.

local byte = string.byte
local find = string.find
local sub = string.sub

local chunk = require "core.answer.chunk"
local frame = require "core.answer.frame"
local lenient = require "core.json.lenient"
local sse = require "core.answer.sse"

local fits = frame.fits

local _M = {}
local reader = {}
reader.__index = reader

local COLON = 58


-- decode: JSON text -> value, or nil. understand(reader, value, event): what a decoded event means, and its detail.
function _M.new(decode, understand)
  return setmetatable({ decode = decode, understand = understand, usage = nil, frame = frame.new() }, reader)
end


function _M.is_given(value)
  return value ~= nil and type(value) ~= "userdata" -- cjson's null
end


-- What the event text[from..to] means; with ERROR also its data, with CUT the reason.
function reader:read(text, from, to)
  if fits(self.frame, text, from, to) then
    return chunk.CONTENT
  end
  local event = sub(text, from, to)
  if byte(event, 1) == COLON and not find(event, "[\r\n][^:\r\n]") then
    return chunk.NOISE
  end
  local data, name = sse.data(event)
  if not data or data == "" then
    return chunk.NOISE
  end
  local value = lenient(self.decode, data)
  if type(value) ~= "table" then
    return name == "error" and chunk.ERROR or chunk.INVALID, data -- [DONE] too: it is no event of these protocols
  end
  if value.type == "error" or name == "error" or _M.is_given(value.error) then
    return chunk.ERROR, data
  end
  return self:understand(value, event)
end


return _M
