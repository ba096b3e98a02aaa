-- Where a body ends (RFC 9112): by chunks, by its length, or with the connection. Works on what a connection knows of its
-- body: {mode = "chunked" | "length" | "close", buffer, left, in_trailer, ended, keep, joint}. joint: joins pieces, and is
-- empty before and after (nginx/shared/joint.lua); nil: one is made.

local byte = string.byte
local concat = table.concat
local find = string.find
local match = string.match
local sub = string.sub
local tonumber = tonumber

local _M = {}

local LINE_MAX_BYTES = 4096 -- of a chunk's size, of a trailer
local CHUNK_MAX_BYTES = 2 ^ 31
local CR, LF, ZERO, UPPER_X, LOWER_X = 13, 10, 48, 88, 120


local SIZES_MAX = 4096
local sizes, size_count = {}, 0 -- digits -> size: LuaJIT compiles no tonumber of base 16, and sizes come again and again


local function size_of(digits)
  local size = sizes[digits]
  if not size then
    size = tonumber(digits, 16)
    if size then
      if size_count == SIZES_MAX then
        sizes, size_count = {}, 0
      end
      sizes[digits], size_count = size, size_count + 1
    end
  end
  return size
end


-- The end of a chunk's size line that starts at pos, and the size; nil when it has not all come, nil and an error when it
-- is none.
local function size_line(buffer, pos)
  local stop = find(buffer, "\r\n", pos, true)
  if (stop or #buffer) - pos > LINE_MAX_BYTES then
    return nil, "reading the body: a chunk size without an end"
  end
  if not stop then
    return nil
  end
  local size = size_of(sub(buffer, pos, stop - 1))
  if not size then
    local digits = match(buffer, "^(%x+)[ \t]*;", pos) -- with an extension, which nobody uses
    size = digits and tonumber(digits, 16)
  end
  local second = byte(buffer, pos + 1)
  if not size or size > CHUNK_MAX_BYTES or byte(buffer, pos) < ZERO or second == LOWER_X or second == UPPER_X then
    return nil, "reading the body: no chunk size" -- also what tonumber takes and HTTP does not: signs, blanks, 0x
  end
  return stop + 1, size
end


-- Behind the last chunk: lines up to an empty one. Gives the position after what could be read, or nil and an error.
local function skip_trailer(self, buffer, pos)
  while true do
    local stop = find(buffer, "\r\n", pos, true)
    if (stop or #buffer) - pos > LINE_MAX_BYTES then
      return nil, "reading the body: a trailer without an end"
    end
    if not stop then
      return pos
    end
    if stop == pos then
      self.ended = true
      return pos + 2
    end
    pos = stop + 2
  end
end


-- Pieces of a text, joined.
local Joint = {}
Joint.__index = Joint

function Joint:add(text, from, to)
  self[#self + 1] = sub(text, from, to)
  self.size = self.size + to - from + 1
end

function Joint:take()
  return concat(self)
end


-- Takes the chunks in the buffer apart. left: bytes of the current chunk still to come, its line end included. What stands
-- before an error is given out first, the error next time.
local function take_chunks(self)
  local buffer, pos, left = self.buffer, 1, self.left
  local length, payload = #buffer, self.joint or setmetatable({ size = 0 }, Joint)
  while pos <= length and not self.in_trailer do
    if left == 0 then
      local stop, size = size_line(buffer, pos)
      if not stop then
        if size and payload.size == 0 then
          return nil, size
        end
        break
      end
      pos, left = stop + 1, size + 2
      self.in_trailer = size == 0
    else
      local last = pos + left - 1
      local data_end = last - 2 < length and last - 2 or length
      if data_end >= pos then
        payload:add(buffer, pos, data_end)
      end
      if last <= length then
        if byte(buffer, last - 1) ~= CR or byte(buffer, last) ~= LF then
          if payload.size == 0 then
            return nil, "reading the body: a chunk without its end"
          end
          pos, left = last - 1, 2
          break
        end
        pos, left = last + 1, 0
      else
        local taken = data_end >= pos and data_end - pos + 1 or 0
        pos, left = pos + taken, left - taken
        break
      end
    end
  end
  if self.in_trailer then
    local after, err = skip_trailer(self, buffer, pos)
    if not after and payload.size == 0 then
      return nil, err
    end
    pos = after or pos
  end
  self.left = left
  self.buffer = pos > length and "" or sub(buffer, pos)
  return payload:take()
end


-- What the buffer holds of the body, without the framing; nil and an error when it is not HTTP/1.1. Bytes behind the end
-- belong to nobody: they are dropped, and the connection with them.
function _M.take(self)
  if self.ended then
    self.keep = self.keep and self.buffer == ""
    self.buffer = ""
    return ""
  end
  if self.mode == "chunked" then
    return take_chunks(self)
  end
  local payload = self.buffer
  self.buffer = ""
  if self.mode == "length" then
    if #payload > self.left then
      payload = sub(payload, 1, self.left)
      self.keep = false
    end
    self.left = self.left - #payload
    self.ended = self.left == 0
  end
  return payload
end


return _M
