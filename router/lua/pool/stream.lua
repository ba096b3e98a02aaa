-- A stream of events on its way to the caller: bytes in as they come, whole valid events out, and how it stands.
-- Never gives out part of an event, an event that is no JSON, or what comes after an end.

local sub = string.sub

local chunk = require "pool.chunk"
local sse = require "pool.sse"

local _M = {}
local stream = {}
stream.__index = stream

local EVENT_MAX_BYTES = 8 * 1024 * 1024

local ENDS = {
  [chunk.DONE] = true, [chunk.COMPLETED] = true, [chunk.ERROR] = true, [chunk.CUT] = true, [chunk.INVALID] = true,
}


-- reader: what tells the meaning of an event (of the surface's protocol); wants_usage: did the caller ask for the usage
-- chunk?
function _M.new(reader, wants_usage)
  return setmetatable({
    reader = reader, wants_usage = wants_usage, carry = "", started = false, finished = false,
  }, stream)
end


local function starts(self, bytes)
  if sse.is_bom_prefix(bytes) then
    return nil
  end
  self.started = true
  return sse.without_bom(bytes)
end


-- Takes bytes (final: and no more will come). Gives the text to pass on, whether there was progress, and at an end the
-- kind of end (chunk.DONE, ERROR, CUT, INVALID) and its detail. self.finished: a reason to finish has been seen.
function stream:feed(bytes, final)
  local text = self.carry == "" and bytes or self.carry .. bytes
  if not self.started then
    local opened = starts(self, text)
    if not opened then
      self.carry = text
      return "", false
    end
    text = opened
  end
  local length = #text
  local pos, from, out, progress = 1, 1, "", false
  while pos <= length do
    local stop, next_pos = sse.boundary(text, pos, final)
    if not stop then
      break
    end
    local kind, detail = self.reader:read(text, pos, stop)
    if kind == chunk.CONTENT then
      progress = true
    elseif kind == chunk.FINISH then
      progress, self.finished = true, true
    elseif kind == chunk.USAGE and not self.wants_usage then
      out = out .. sub(text, from, pos - 1)
      from = next_pos
    elseif ENDS[kind] then
      if kind == chunk.COMPLETED then
        progress, self.finished, kind = true, true, chunk.DONE
      end
      local last = kind == chunk.DONE and next_pos - 1 or pos - 1
      self.carry = ""
      return out .. sub(text, from, last), progress, kind, detail
    end
    pos = next_pos
  end
  if pos > length then
    self.carry = ""
    if from == 1 and out == "" then
      return text, progress
    end
    return out .. sub(text, from), progress
  end
  self.carry = sub(text, pos)
  if #self.carry > EVENT_MAX_BYTES then
    return out .. sub(text, from, pos - 1), progress, chunk.INVALID, "an event without an end"
  end
  return out .. sub(text, from, pos - 1), progress
end


return _M
