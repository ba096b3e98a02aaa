-- A long JSON text as far as a decision needs it: all of its shape near the top, the beginnings of its texts, the first
-- items of its lists. To decode eight megabytes takes half a second in one go; this is read in slices (`pause`, as in
-- scan.lua), and its memory does not grow with the text.

local byte = string.byte
local find = string.find
local sub = string.sub

local lenient = require "core.json.lenient"
local scan = require "core.json.scan"

local _M = {}

local QUOTE, COMMA, BACKSLASH = 34, 44, "\\"
local OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET = 123, 91, 125, 93
local LONG_BYTES = 256 * 1024
local TEXT_MAX_BYTES = 1024
local SCALAR_MAX_BYTES = 1024
local ITEMS_MAX = 1000
local DEPTH_MAX = 6 -- choices[1].message.content[1].text
local VALUES_MAX = 20000

local value_at


function _M.is_long(text)
  return #text > LONG_BYTES
end


-- What stands for something that is not looked into: it is not empty.
local function unread()
  return { true }
end


local function text_at(self, from, to)
  if to - from > TEXT_MAX_BYTES then
    return sub(self.text, from + 1, from + TEXT_MAX_BYTES)
  end
  return (lenient(self.decode, sub(self.text, from, to)))
end


local function object_at(self, from, to, depth)
  local text = self.text
  local members = scan.members(text, self.pause, from, to)
  if not members then
    return depth > 1 and unread() or nil
  end
  local object = {}
  for i = 1, #members, 3 do
    local name = members[i]
    name = find(name, BACKSLASH, 1, true) and lenient(self.decode, '"' .. name .. '"') or name
    object[name] = value_at(self, members[i + 1], members[i + 2], depth + 1)
  end
  return object
end


-- Where the value at pos ends. A scalar in a list ends before what follows it, whatever it is.
local function item_end(self, pos)
  local char = byte(self.text, pos)
  if char == QUOTE or char == OPEN_BRACE or char == OPEN_BRACKET then
    return scan.value_end(self.text, pos, self.pause)
  end
  local after = find(sub(self.text, pos, pos + SCALAR_MAX_BYTES), "[%s,%]}]")
  return after and after > 1 and pos + after - 2 or nil
end


local function list_at(self, from, to, depth)
  local text, items, count = self.text, {}, 0
  local pos = scan.skip_blanks(text, from + 1, self.pause)
  while pos < to and count < ITEMS_MAX do
    local stop = item_end(self, pos)
    if not stop then
      return unread()
    end
    count = count + 1
    items[count] = value_at(self, pos, stop, depth + 1)
    pos = scan.skip_blanks(text, stop + 1, self.pause)
    if byte(text, pos) == COMMA then
      pos = scan.skip_blanks(text, pos + 1, self.pause)
    elseif pos < to then
      return unread()
    end
  end
  return items
end


function value_at(self, from, to, depth)
  local char = byte(self.text, from)
  self.count = self.count + 1
  if char == QUOTE then
    return text_at(self, from, to)
  elseif char ~= OPEN_BRACE and char ~= OPEN_BRACKET then
    return self.decode(sub(self.text, from, math.min(to, from + TEXT_MAX_BYTES)))
  end
  local first = byte(self.text, scan.skip_blanks(self.text, from + 1, self.pause))
  if first == CLOSE_BRACE or first == CLOSE_BRACKET then
    return {}
  elseif depth > DEPTH_MAX or self.count > VALUES_MAX then
    return unread()
  end
  self.pause()
  return (char == OPEN_BRACE and object_at or list_at)(self, from, to, depth)
end


-- The object or list; nil when text is none. decode: JSON text -> value, asked for short texts and scalars only.
function _M.of(text, decode, pause)
  local from = scan.skip_blanks(text, 1, pause)
  local to = scan.value_end(text, from, pause)
  if not to or scan.skip_blanks(text, to + 1, pause) <= #text then
    return nil
  end
  local char = byte(text, from)
  if char ~= OPEN_BRACE and char ~= OPEN_BRACKET then
    return nil
  end
  return value_at({ text = text, decode = decode, pause = pause, count = 0 }, from, to, 1)
end


local function sketching(decode, pause)
  local known, value
  return function(text)
    if #text <= LONG_BYTES then
      return decode(text)
    end
    if known ~= text then
      known, value = text, _M.of(text, decode, pause)
    end
    return value
  end
end


-- What decodes a text and its parts: it sketches what is long, and remembers the last.
function _M.decoder_of(text, decode, pause)
  return #text <= LONG_BYTES and decode or sketching(decode, pause)
end


return _M
