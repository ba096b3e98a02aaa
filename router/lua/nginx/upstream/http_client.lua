-- HTTP/1.1 towards an endpoint, over a cosocket that connector.lua has connected to a checked address: send, read the head,
-- read the body as it comes.

local clock = require "nginx.shared.clock"
local connector = require "nginx.upstream.connector"
local framing = require "core.http.framing"
local joint = require "nginx.shared.joint"
local response_head = require "core.http.response_head"

local ngx = ngx
local now_ms = clock.now_ms
local find = string.find
local sub = string.sub
local head_start, take_head = response_head.start, response_head.take

local _M = {}
local connection = {}
connection.__index = connection

local READ_BYTES = 65536
local HEAD_MAX_BYTES = 65536
local BIG_BYTES = 65536 -- of a request: less fits into the system's buffers at once, however fast it is read
local TURN_READS = 1000 -- a peer that sends faster than it is read takes all turns, and time stands still
local TURN_S = 0.001
local IDLE_MS = 60000
local END_GRACE_MS = 100 -- for the end of the body, once the last event of a stream is here
local EARLY_MS = 200 -- for a refusal that came while the request was sent
local CLOSED_EARLY = "closed before an answer"

-- A connection (connector.lua), ready to send and to read.
function _M.connect(endpoint, connect_ms, deadline_ms, allow_loopback, is_fresh)
  local sock, reused, timeout_ms = connector.connect(endpoint, connect_ms, deadline_ms, allow_loopback, is_fresh)
  if not sock then
    return nil, reused, timeout_ms -- an error, and what it is
  end
  return setmetatable({
    sock = sock, reused = reused, buffer = "", timeout_ms = timeout_ms, reads = 0, head_bytes = 0,
    head = "", mode = "none", left = 0, in_trailer = false, ended = false, keep = false, is_fresh = is_fresh or false,
    is_sending = false, joint = joint,
  }, connection)
end


-- Reads what has come, waiting until deadline_ms at most. Timers are set only when they would be too long: most reads
-- find the one of the read before good enough. (No loop where one turn is the rule: LuaJIT makes nothing of those.)
function connection:receive(deadline_ms)
  local wait_ms = deadline_ms - now_ms()
  if wait_ms < 1 then
    return nil, "timeout"
  end
  if wait_ms < self.timeout_ms or wait_ms > 2 * self.timeout_ms then
    self.timeout_ms = wait_ms
    self.sock:settimeout(wait_ms)
  end
  self.reads = self.reads + 1
  if self.reads == TURN_READS then
    self.reads = 0
    ngx.sleep(TURN_S)
  end
  local data, err = self.sock:receiveany(READ_BYTES)
  if err == "timeout" then
    return self:receive(deadline_ms)
  end
  return data, err
end


-- The send timer of a socket starts again with every byte that is taken, so a big body goes in slices, each with the time
-- that is left.
function connection:send_slices(body, deadline_ms)
  for from = 1, #body, BIG_BYTES do
    local wait_ms = deadline_ms - now_ms()
    if wait_ms < 1 then
      return nil, "timeout"
    end
    self.timeout_ms = wait_ms
    self.sock:settimeout(wait_ms)
    local bytes, err = self.sock:send(sub(body, from, from + BIG_BYTES - 1))
    if not bytes then
      return nil, err
    end
  end
  return #body
end


local function upload(conn, body, deadline_ms)
  local _, err = conn:send_slices(body, deadline_ms)
  conn.is_sending, conn.send_err = false, err
end


-- Sends a big body in a light thread of its own, so that its answer is read meanwhile.
function connection:send_beside(body, deadline_ms)
  self.is_sending = true
  self.sender = ngx.thread.spawn(upload, self, body, deadline_ms)
  return not self.send_err, self.send_err
end


-- message: pieces, the last of which is the body. listens: will a big body's answer be read while it is sent?
function connection:send(message, deadline_ms, listens)
  local bytes, err
  local count = #message
  if #message[count] < BIG_BYTES then
    bytes, err = self.sock:send(message)
  else
    bytes, err = self.sock:send(table.concat(message, "", 1, count - 1))
    if bytes then
      bytes, err = (listens and self.send_beside or self.send_slices)(self, message[count], deadline_ms)
    end
  end
  if not bytes then
    return nil, err == "timeout" and err or "sending: " .. err
  end
  return true
end


-- Value of a header of the answer, in lower case; nil when it is missing.
connection.header = response_head.value


-- Reads the head of the answer and gives its status.
function connection:read_head(deadline_ms)
  local start = head_start(self.buffer)
  local seen = start > 1 and sub(self.buffer, start) or self.buffer
  self.buffer, self.head_bytes = seen, self.head_bytes + start - 1
  local _, stop = find(seen, "\r\n\r\n", 1, true)
  if self.head_bytes > HEAD_MAX_BYTES or not stop and #seen > HEAD_MAX_BYTES then
    return nil, "reading the head: longer than 64 KiB, with the interim ones"
  end
  if stop then
    self.head_bytes = self.head_bytes + stop
    return take_head(self, seen, stop)
  end
  local data, err = self:receive(deadline_ms)
  if not data then
    return nil, seen == "" and err == "closed" and CLOSED_EARLY or err
  end
  self.buffer = seen == "" and data or seen .. data
  return self:read_head(deadline_ms)
end


-- A refusal of which the request was not sent to its end: it lies in the socket, or comes soon.
local function early_refusal(conn)
  local status = conn:read_head(now_ms() + EARLY_MS)
  return status and status >= 400 and status or nil
end


-- Sends a request and reads the head of its answer: its status, or nil and an error. Who refuses a big body may say so
-- before all of it has come, and close the connection, or keep it and read no further: so the answer is read while the
-- body is sent. may_be_killed: then the thread that sends would outlive the one that asks, so sending comes first.
function connection:exchange(message, sent_by_ms, deadline_ms, may_be_killed)
  local ok, err = self:send(message, sent_by_ms, not may_be_killed)
  local status
  if ok then
    status, err = self:read_head(self.is_sending and sent_by_ms or deadline_ms)
    if err == "timeout" and self.sender and not self.is_sending and not self.send_err then
      status, err = self:read_head(deadline_ms)
    end
  end
  if not ok or self.send_err then
    self.is_fresh = true -- half a request was sent over it: never again
    status = status or early_refusal(self)
  end
  return status, err
end


-- Has not a byte of an answer come, nor of an interim one? Only then may a request be sent again on another connection as
-- if nothing had been.
function connection:is_silent()
  return self.buffer == "" and self.head_bytes == 0
end


-- The next bytes of the body. nil and "end" when it came to its proper end; nil and an error else ("closed", "timeout").
function connection:read(deadline_ms)
  if self.buffer ~= "" then
    local payload, err = framing.take(self)
    if payload ~= "" then
      return payload, err
    end
  end
  if self.ended then
    return nil, "end"
  end
  local data, err = self:receive(deadline_ms)
  if data then
    self.buffer = self.buffer == "" and data or self.buffer .. data
    return self:read(deadline_ms)
  end
  if err == "closed" and self.mode == "close" then
    self.ended = true
    return nil, "end"
  end
  return nil, err
end


-- What is still being sent is of no use to anybody.
function connection:close()
  if self.is_sending then
    self.is_sending = false
    ngx.thread.kill(self.sender)
  end
  self.sock:close()
end


-- Done with it: kept for the next request when its answer came to its end, else closed.
function connection:finish()
  if self.ended and self.keep and not self.is_fresh and not self.is_sending and self.buffer == "" then
    self.sock:setkeepalive(IDLE_MS, connector.POOL_SIZE)
  else
    self:close()
  end
end


-- The body, or as much of it as is wanted, and whether that is all of it; nil and an error when it broke. Done with it then.
function connection:read_body(wanted_bytes, deadline_ms)
  local parts, size = {}, 0
  while size < wanted_bytes do
    local data, err = self:read(deadline_ms)
    if not data then
      if err ~= "end" then
        self:close()
        return nil, err
      end
      self:finish()
      return table.concat(parts), true
    end
    parts[#parts + 1], size = data, size + #data
  end
  self:close()
  return table.concat(parts), false
end


-- After the last event of a stream: reads what is left of the framing, so that the connection can be kept.
function connection:finish_stream()
  self:read(now_ms() + END_GRACE_MS)
  self:finish()
end


return _M
