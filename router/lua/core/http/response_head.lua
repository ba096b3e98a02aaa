-- The head of a provider's answer (RFC 9112): its status, its headers, and how its body ends. Works on what a connection
-- knows: {buffer, head, mode, left, ended, keep}.
-- A connection is reused only when it is certain where its answer ended: the next request over it must never get a byte
-- of this answer. An answer that is unusual but readable is read, and its connection closed. A line that is folded into
-- the next one (obs-fold) is refused: readers disagree about what it means.

local byte = string.byte
local find = string.find
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber

local _M = {}

local HTTP_1_1 = 49 -- the last digit of "HTTP/1.1"
local SPACE, TAB = 32, 9
local SWITCHING_PROTOCOLS = 101
local LENGTH_MAX_DIGITS = 15 -- exact as a number
local INTERIM, SWITCHING = "^HTTP/1%.%d 1%d%d[ \r]", "^HTTP/1%.%d 101" -- the latter nobody asked for
local ONE, CLASS_AT = 49, 10 -- an interim status begins so, and there
local LINE_BYTES = 13 -- "HTTP/1.1 200 "
local statuses = {} -- what a status line begins with -> the status


local needles = {} -- header name -> what its line starts with

local function needle_of(name)
  local needle = needles[name]
  if not needle then
    needle = "\n" .. name .. ":"
    needles[name] = needle
  end
  return needle
end


-- Value of a header of the answer, in lower case; nil when it is missing. Also where its line was found.
function _M.value(self, name)
  local head = self.head
  local _, stop = find(head, needle_of(name), 1, true)
  if not stop then
    return nil
  end
  local from = byte(head, stop + 1) == SPACE and stop + 2 or stop + 1 -- one blank is the rule
  local first = byte(head, from)
  if first == SPACE or first == TAB then
    from = find(head, "[^ \t]", from)
  end
  local to = find(head, "\r\n", from, true) - 1
  local last = byte(head, to)
  while to >= from and (last == SPACE or last == TAB) do
    to = to - 1
    last = byte(head, to)
  end
  return sub(head, from, to), stop
end

local value = _M.value


-- Does the head name this header once more behind `stop`?
local function occurs_again(self, name, stop)
  return find(self.head, needle_of(name), stop, true) ~= nil
end


local function body_by_length(self, length, stop)
  if #length > LENGTH_MAX_DIGITS or not find(length, "^%d+$") then
    return nil, "reading the head: content-length " .. sub(length, 1, 32)
  end
  if occurs_again(self, "content-length", stop) then
    return nil, "reading the head: content-length twice"
  end
  self.mode, self.left = "length", tonumber(length)
  self.ended = self.left == 0
  return true
end


local function body_framing(self, status)
  if status == 204 or status == 304 then
    self.ended, self.keep = true, false
    return true
  end
  local coding, stop = value(self, "transfer-encoding")
  if coding then
    if coding ~= "chunked" or occurs_again(self, "transfer-encoding", stop) then
      return nil, "reading the head: transfer-encoding " .. sub(coding, 1, 32)
    end
    self.mode = "chunked"
    if value(self, "content-length") then
      self.keep = false
    end
    return true
  end
  local length
  length, stop = value(self, "content-length")
  if length then
    return body_by_length(self, length, stop)
  end
  self.mode, self.keep = "close", false
  return true
end


-- Where the head that counts begins in what has been seen: behind the interim ones (1xx) that are complete.
function _M.start(seen)
  if byte(seen, CLASS_AT) ~= ONE then
    return 1
  end
  local pos = 1
  while find(seen, INTERIM, pos) and not find(seen, SWITCHING, pos) do
    local _, stop = find(seen, "\r\n\r\n", pos, true)
    if not stop then
      return pos
    end
    pos = stop + 1
  end
  return pos
end


-- Takes the head that ends at byte stop of what has been seen; the rest becomes the buffer. Gives its status, 0 for an
-- interim one, nil and an error.
function _M.take(self, seen, stop)
  local line = sub(seen, 1, LINE_BYTES)
  local status = statuses[line]
  if not status then
    status = tonumber(match(line, "^HTTP/1%.%d (%d%d%d)[ \r]"))
    statuses[line] = status
  end
  if not status or status < 100 or status == SWITCHING_PROTOCOLS then
    return nil, "reading the head: no HTTP/1.1 answer"
  end
  self.buffer = sub(seen, stop + 1)
  if status < 200 then
    return 0
  end
  local head = lower(sub(seen, 1, stop))
  if find(head, "\r\n ", 1, true) or find(head, "\r\n\t", 1, true) then
    return nil, "reading the head: a folded line"
  end
  self.head = head
  local connection = value(self, "connection")
  self.keep = byte(seen, 8) == HTTP_1_1 and not (connection and find(connection, "close", 1, true))
  local ok, err = body_framing(self, status)
  if not ok then
    return nil, err
  end
  return status
end


return _M
