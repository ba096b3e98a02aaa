-- Pieces of texts, joined to one, as core/http/framing.lua wants them, without a string of each piece. LuaJIT keeps each
-- text once, and finds it by a few of its bytes. The events of a stream have most bytes in common: with some start values of
-- a process, making a string of each means comparing it with dozens of others.

local ffi = require "ffi"

local _M = { size = 0 }

local TEXT, BYTES = ffi.typeof("const char *"), ffi.typeof("char[?]")

local room = 65536 -- as much as is read at once
local bytes = BYTES(room)


local function grow(size, wanted)
  while room < wanted do
    room = 2 * room
  end
  local larger = BYTES(room)
  ffi.copy(larger, bytes, size)
  bytes = larger
end


-- Adds text[from..to].
function _M:add(text, from, to)
  local size, length = self.size, to - from + 1
  if size + length > room then
    grow(size, size + length)
  end
  ffi.copy(bytes + size, ffi.cast(TEXT, text) + (from - 1), length)
  self.size = size + length
end


-- All that was added; from here on, nothing is.
function _M:take()
  local text = ffi.string(bytes, self.size)
  self.size = 0
  return text
end


return _M
