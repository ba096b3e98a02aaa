-- Where a body ends (RFC 9112): by chunks, by its length, or with the connection. Works on what a connection knows of its
-- body: {mode = "chunked" | "length" | "close", buffer, left, in_trailer, ended, keep}.

local byte = string.byte
local find = string.find
local match = string.match
local sub = string.sub
local tonumber = tonumber

local _M = {}

local CHUNK_LINE_MAX_BYTES = 4096
local CHUNK_MAX_BYTES = 2 ^ 31
local CR, LF = 13, 10


-- The end of a chunk's size line that starts at pos, and the size; nil when it has not all come, nil and an error when it
-- is none.
local function size_line(buffer, pos)
  local stop = find(buffer, "\r\n", pos, true)
  if not stop then
    return nil, #buffer - pos > CHUNK_LINE_MAX_BYTES and "reading the body: a chunk size without an end" or nil
  end
  local size = tonumber(sub(buffer, pos, stop - 1), 16)
  if not size then
    local digits = match(buffer, "^(%x+)[ \t]*;", pos) -- with an extension, which nobody uses
    size = digits and tonumber(digits, 16)
  end
  if not size or size < 0 or size > CHUNK_MAX_BYTES then
    return nil, "reading the body: no chunk size"
  end
  return stop + 1, size
end


-- Behind the last chunk: lines up to an empty one. Gives the position after what could be read.
local function skip_trailer(self, buffer, pos)
  while true do
    local stop = find(buffer, "\r\n", pos, true)
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


-- Takes the chunks in the buffer apart. left: bytes of the current chunk still to come, its line end included.
local function take_chunks(self)
  local buffer, pos, left, payload = self.buffer, 1, self.left, ""
  local length = #buffer
  while pos <= length and not self.in_trailer do
    if left == 0 then
      local stop, size = size_line(buffer, pos)
      if not stop then
        if size then
          return nil, size
        end
        break
      end
      pos, left = stop + 1, size + 2
      self.in_trailer = size == 0
    else
      local last = pos + left - 1
      local piece = sub(buffer, pos, last - 2 < length and last - 2 or length)
      payload = payload == "" and piece or payload .. piece
      if last <= length then
        if byte(buffer, last - 1) ~= CR or byte(buffer, last) ~= LF then
          return nil, "reading the body: a chunk without its end"
        end
        pos, left = last + 1, 0
      else
        local taken = #piece
        pos, left = pos + taken, left - taken
        break
      end
    end
  end
  if self.in_trailer then
    pos = skip_trailer(self, buffer, pos)
  end
  self.left = left
  self.buffer = pos > length and "" or sub(buffer, pos)
  return payload
end


-- What the buffer holds of the body, without the framing; nil and an error when it is not HTTP/1.1.
function _M.take(self)
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
