-- A stream of events on its way to the caller: bytes in as they come, whole valid events out, and its state. It never
-- gives out part of an event, an event that is no JSON, or what comes after an end. What closes a part of the answer is
-- given out with the event after it: a provider that fails closes what it has begun, and no other endpoint could continue
-- after that.

local concat = table.concat
local insert = table.insert
local byte = string.byte
local find = string.find
local sub = string.sub

local chunk = require "core.answer.chunk"
local event_rewrite = require "core.answer.event_rewrite"
local lines = require "core.answer.lines"
local sse = require "core.answer.sse"

local _M = {}
local stream = {}
stream.__index = stream

local EVENT_MAX_BYTES = 8 * 1024 * 1024 -- an image comes in one event; a Responses API's last event repeats the answer
local SHORT_BYTES = 4096 -- of an event so far: up to here it is joined and looked through each time that bytes come
local TOO_LONG = "an event of more than 8 MiB"
local OPEN_BRACE = 123

local GOOD_ENDS = { [chunk.DONE] = true, [chunk.COMPLETED] = true }
local ENDS = {
  [chunk.DONE] = true, [chunk.COMPLETED] = true, [chunk.ERROR] = true, [chunk.CUT] = true, [chunk.INVALID] = true,
}


-- reader: decides what an event means (of the surface's protocol); wants_usage: did the caller ask for the token usage? A
-- caller that did not gets none, in any form: only the router asked for it.
function _M.new(reader, wants_usage)
  reader.wants_usage = wants_usage
  return setmetatable({
    reader = reader, wants_usage = wants_usage, carry = "", closing = "", started = false, finished = false,
    is_lined = false,
    keeps_done = false, done_event = nil,
  }, stream)
end


local function starts(self, bytes)
  if sse.is_bom_prefix(bytes) then
    return nil
  end
  self.started = true
  local text = sse.without_bom(bytes)
  self.is_lined = byte(text) == OPEN_BRACE
  return text
end


-- Puts bytes of an event by that began before. Gives all of it once it may have ended; nil before that, and why it is given
-- up if it is. So whatever its line ends are, and however it is torn, an event is joined and looked through once.
local function put_by(self, bytes, final)
  local pieces = self.pieces
  local seam = pieces.tail .. bytes
  pieces[#pieces + 1] = bytes
  pieces.size = pieces.size + #bytes
  if final or self.is_lined and find(bytes, "[\r\n]") or sse.has_empty_line(seam) then
    self.pieces = nil
    return concat(pieces)
  end
  pieces.tail = sub(seam, -2)
  return nil, pieces.size > EVENT_MAX_BYTES and chunk.INVALID or nil
end


-- Keeps what has not ended yet.
local function carry_on(self, rest)
  if #rest > SHORT_BYTES then
    self.pieces, self.carry = { rest, size = #rest, tail = sub(rest, -2) }, ""
  else
    self.carry = rest
  end
end


-- What goes out: the pieces of `out` (nil: none), then text[from..to].
local function joined(out, text, from, to)
  if not out then
    return from == 1 and to == #text and text or sub(text, from, to)
  end
  out[#out + 1] = sub(text, from, to)
  return concat(out)
end


-- Is the account that the caller asked for still to come? Only readers that know accounts as events of their own say so.
-- keeps_done: does [DONE] wait for it?
local function awaits_account(self)
  return self.keeps_done and self.finished and self.reader.is_accounted == false
end


-- After a [DONE] that came before the account: gives the account and then the [DONE], at which clients stop reading.
local function after_done(self, bytes, final)
  local text, reader, pos = self.carry .. bytes, self.reader, 1
  while pos <= #text do
    local stop, next_pos = sse.boundary(text, pos, final, sse.has_cr(text))
    if not stop then
      break
    end
    if reader:read(text, pos, stop) == chunk.USAGE then
      return (reader.instead or sub(text, pos, next_pos - 1)) .. self.done_event, true, chunk.DONE
    end
    pos = next_pos
  end
  self.carry = sub(text, pos)
  if final or #self.carry > SHORT_BYTES then
    return self.done_event, true, chunk.DONE
  end
  return "", false
end


-- The events of a stream that has turned out to be made of lines.
local function more_of(self, passed, progress, final)
  local more, more_progress, kind, detail = self:feed("", final)
  return passed .. more, progress or more_progress, kind, detail
end


-- At the end of the bytes: what the last event would have been, if its reader knows that the answer is whole.
local function with_last_event(self, passed, progress)
  local last = self.reader:last_event()
  if not last then
    return passed, progress
  end
  passed, self.closing, self.finished = passed .. self.closing .. last, "", true
  return passed, true
end


-- Takes bytes (final: and no more will come). Gives the text to pass on, whether there was progress, and at an end the
-- kind of end (chunk.DONE, ERROR, CUT, INVALID) and its detail. self.finished: a reason to finish was the last word so far.
function stream:feed(bytes, final)
  if self.done_event then
    return after_done(self, bytes, final)
  end
  local text
  if self.pieces then
    local kind
    text, kind = put_by(self, bytes, final)
    if not text then
      return "", false, kind, kind and TOO_LONG
    end
  else
    text = self.carry == "" and bytes or self.carry .. bytes
  end
  if not self.started then
    local opened = starts(self, text)
    if not opened then
      self.carry = text
      return "", false
    end
    text = opened
  end
  if self.is_lined then
    text = lines.parted(text, final)
  end
  local was_lined = self.is_lined
  local length, has_cr, reader = #text, sse.has_cr(text), self.reader
  local pos, from, out, progress, held_from = 1, 1, nil, false, nil
  while pos <= length do
    local stop, next_pos = sse.boundary(text, pos, final, has_cr)
    if not stop then
      break
    end
    if stop - pos >= EVENT_MAX_BYTES then
      return joined(out, text, from, (held_from or pos) - 1), progress, chunk.INVALID, TOO_LONG
    end
    local kind, detail = reader:read(text, pos, stop)
    local parted = kind == chunk.INVALID and lines.split(sub(text, pos, next_pos - 1))
    if parted then
      text = sub(text, 1, pos - 1) .. parted .. sub(text, next_pos)
      length = #text
      stop, next_pos = sse.boundary(text, pos, true, false)
      kind, detail = reader:read(text, pos, stop)
    end
    if kind == chunk.CLOSING then
      held_from = held_from or pos
    elseif not ENDS[kind] or GOOD_ENDS[kind] then
      held_from = nil
      if self.closing ~= "" then
        out = out or {}
        insert(out, 1, self.closing)
        self.closing = ""
      end
    end
    local instead = reader.instead
    if reader.says_usage and not self.wants_usage then
      instead = kind == chunk.USAGE and "" or event_rewrite.without(instead or sub(text, pos, next_pos - 1), "usage")
    end
    if instead and held_from then
      text = sub(text, 1, pos - 1) .. instead .. sub(text, next_pos)
      length, next_pos = #text, pos + #instead
    elseif instead then
      out = out or {}
      out[#out + 1], out[#out + 2] = sub(text, from, pos - 1), instead
      from = next_pos
    end
    if kind == chunk.DONE and awaits_account(self) then
      local passed = joined(out, text, from, pos - 1)
      self.done_event, self.carry, reader.is_done = sub(text, pos, next_pos - 1), "", true
      local last, _, ended = after_done(self, sub(text, next_pos), final)
      return passed .. last, true, ended
    end
    if ENDS[kind] then
      if kind == chunk.COMPLETED then
        progress, self.finished, kind = true, true, chunk.DONE
      end
      local last = kind == chunk.DONE and next_pos - 1 or (held_from or pos) - 1
      self.carry, self.closing = "", ""
      return joined(out, text, from, last), progress, kind, detail
    end
    if kind == chunk.CONTENT then
      progress, self.finished = true, false -- a finish that more content follows was none
    elseif kind == chunk.FINISH then
      progress, self.finished = true, true
    end
    pos = next_pos
  end
  if pos <= length and not self.is_lined and lines.are_events(text, pos, reader.decode, final) then
    self.is_lined = true
  end
  local passed = joined(out, text, from, (held_from or pos) - 1)
  if held_from then
    self.closing = self.closing .. sub(text, held_from, pos - 1)
  end
  if pos > length then
    self.carry = ""
  else
    carry_on(self, sub(text, pos))
  end
  if length - pos >= EVENT_MAX_BYTES or #self.closing > EVENT_MAX_BYTES then
    return passed, progress, chunk.INVALID, TOO_LONG
  end
  if was_lined ~= self.is_lined then
    return more_of(self, passed, progress, final)
  elseif final and reader.last_event then
    return with_last_event(self, passed, progress)
  end
  return passed, progress
end


return _M
