-- HTTP/1.1 towards an endpoint, over a cosocket: connect to a checked address, send, read the head, read the body as it
-- comes. Idle connections are kept in pools whose name holds everything that must not be mixed: the endpoint, what it is
-- (fingerprint), the name its certificate was checked for, the address.

local address = require "pool.address"
local dns = require "shell.dns"

local ngx = ngx
local byte = string.byte
local find = string.find
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber

local _M = {}
local connection = {}
connection.__index = connection

local READ_BYTES = 65536
local HEAD_MAX_BYTES = 65536
local CHUNK_LINE_MAX_BYTES = 4096
local SEND_TIMEOUT_MS = 30000
local IDLE_MS = 60000
local POOL_SIZE = 512
local ADDRESSES_MAX = 3
local CLOSED_EARLY = "closed before an answer"

_M.CLOSED_EARLY = CLOSED_EARLY


local function now_ms()
  return ngx.now() * 1000
end


local function pool_options(endpoint, ip)
  local options = endpoint.pools[ip]
  if not options then
    local name = endpoint.tls and endpoint.tls.server_name or "-"
    options = { pool = table.concat({ endpoint.id, endpoint.scheme, name, ip, endpoint.port }, "|"),
                pool_size = POOL_SIZE }
    endpoint.pools[ip] = options
  end
  return options
end


local function connect_to(endpoint, ip, connect_ms)
  local sock, err = ngx.socket.tcp()
  if not sock then
    return nil, "making a socket: " .. err
  end
  sock:settimeouts(connect_ms, SEND_TIMEOUT_MS, connect_ms)
  local host = find(ip, ":", 1, true) and "[" .. ip .. "]" or ip
  local ok
  ok, err = sock:connect(host, endpoint.port, pool_options(endpoint, ip))
  if not ok then
    return nil, "connecting: " .. err
  end
  local reused = sock:getreusedtimes() > 0
  if endpoint.tls and not reused then
    ok, err = sock:sslhandshake(false, endpoint.tls.server_name, true)
    if not ok then
      sock:close()
      return nil, "TLS handshake: " .. (err or "failed")
    end
  end
  return setmetatable({
    sock = sock, reused = reused, buffer = "", timeout_ms = connect_ms,
    mode = "none", left = 0, after_chunk = false, in_trailer = false, ended = false, keep = false,
  }, connection)
end


-- A connection to one of the endpoint's addresses, fresh or kept; nil and why not.
function _M.connect(endpoint, connect_ms, allow_loopback)
  local addresses, err = dns.resolve(endpoint.host)
  if not addresses then
    return nil, err
  end
  local deadline_ms = now_ms() + connect_ms
  for i = 1, math.min(#addresses, ADDRESSES_MAX) do
    local ip = addresses[i]
    local ok
    ok, err = address.permitted(ip, allow_loopback)
    if ok then
      local left_ms = deadline_ms - now_ms()
      if left_ms < 1 then
        break
      end
      local conn
      conn, err = connect_to(endpoint, ip, left_ms)
      if conn then
        return conn
      end
    end
  end
  return nil, err or "connecting: timeout"
end


-- Reads what has come, waiting until deadline_ms at most. Timers are set only when they would be too long: most reads
-- find the one of the read before good enough.
function connection:receive(deadline_ms)
  while true do
    local wait_ms = deadline_ms - now_ms()
    if wait_ms < 1 then
      return nil, "timeout"
    end
    if wait_ms < self.timeout_ms or wait_ms > 2 * self.timeout_ms then
      self.timeout_ms = wait_ms
      self.sock:settimeout(wait_ms)
    end
    local data, err = self.sock:receiveany(READ_BYTES)
    if data then
      return data
    end
    if err ~= "timeout" then
      return nil, err
    end
  end
end


function connection:send(head, body)
  local bytes, err = self.sock:send(body and { head, body } or head)
  if not bytes then
    return nil, "sending: " .. err
  end
  return true
end


-- Values of a header in a head (lower-cased): the one, or nil. Two that differ are no answer to trust.
local function header_of(head, name)
  local _, stop = find(head, "\n" .. name .. ":", 1, true)
  if not stop then
    return nil
  end
  local value = match(head, "^[ \t]*([^\r\n]*)", stop + 1)
  return (value:gsub("[ \t]+$", ""))
end


local function body_framing(self, status, head)
  if status == 204 or status == 304 then
    self.ended = true
    return true
  end
  local coding = header_of(head, "transfer-encoding")
  if coding then
    if coding ~= "chunked" then
      return nil, "reading the head: transfer-encoding " .. coding
    end
    self.mode = "chunked"
    return true
  end
  local length = header_of(head, "content-length")
  if length then
    self.mode, self.left = "length", tonumber(length)
    if not self.left or not find(length, "^%d+$") then
      return nil, "reading the head: content-length " .. length
    end
    self.ended = self.left == 0
    return true
  end
  self.mode, self.keep = "close", false
  return true
end


-- Reads a response head. Gives the status and a function of headers (lower-case name -> value in lower case or nil).
function connection:read_head(deadline_ms)
  local seen = ""
  while true do
    local data, err = self:receive(deadline_ms)
    if not data then
      return nil, seen == "" and err == "closed" and CLOSED_EARLY or err
    end
    seen = seen == "" and data or seen .. data
    local _, stop = find(seen, "\r\n\r\n", 1, true)
    if stop then
      local status = tonumber(match(seen, "^HTTP/1%.%d (%d%d%d)[ \r]"))
      if not status then
        return nil, "reading the head: no HTTP/1.1 answer"
      end
      if status < 200 then
        seen = sub(seen, stop + 1)
      else
        local head = lower(sub(seen, 1, stop))
        self.buffer = sub(seen, stop + 1)
        self.keep = not find(head, "\r\nconnection: close", 1, true) and not find(head, "^http/1%.0")
        local ok
        ok, err = body_framing(self, status, head)
        if not ok then
          return nil, err
        end
        return status, function(name)
          return header_of(head, name)
        end
      end
    end
    if #seen > HEAD_MAX_BYTES then
      return nil, "reading the head: longer than 64 KiB"
    end
  end
end


-- The next piece of a chunked body in the buffer from pos. Gives the piece ("" for framing) and the position after it;
-- nil when more bytes are needed, nil and an error when it is no chunked body.
local function next_chunk_piece(self, buffer, pos)
  local available = #buffer - pos + 1
  if self.left > 0 then
    if available <= 0 then
      return nil
    end
    local size = available < self.left and available or self.left
    self.left = self.left - size
    self.after_chunk = self.left == 0
    return sub(buffer, pos, pos + size - 1), pos + size
  end
  if self.after_chunk then
    if available < 2 then
      return nil
    end
    if byte(buffer, pos) ~= 13 or byte(buffer, pos + 1) ~= 10 then
      return nil, "reading the body: a chunk without its end"
    end
    self.after_chunk = false
    return "", pos + 2
  end
  local stop = find(buffer, "\r\n", pos, true)
  if not stop then
    return nil, available > CHUNK_LINE_MAX_BYTES and "reading the body: a chunk line without an end" or nil
  end
  if self.in_trailer then
    self.ended = stop == pos
    return "", stop + 2
  end
  local digits = match(buffer, "^%x+", pos)
  if not digits or #digits > 8 then
    return nil, "reading the body: no chunk size"
  end
  self.left = tonumber(digits, 16)
  self.in_trailer = self.left == 0
  return "", stop + 2
end


local function take_chunks(self)
  local buffer, pos, payload = self.buffer, 1, ""
  while not self.ended do
    local piece, next_pos = next_chunk_piece(self, buffer, pos)
    if not piece then
      if next_pos then
        return nil, next_pos
      end
      break
    end
    if piece ~= "" then
      payload = payload == "" and piece or payload .. piece
    end
    pos = next_pos
  end
  self.buffer = sub(buffer, pos)
  return payload
end


-- What the buffer holds of the body, without the framing.
local function take(self)
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


-- The next bytes of the body. nil and "end" when it came to its proper end; nil and an error else ("closed", "timeout").
function connection:read(deadline_ms)
  while true do
    if self.buffer ~= "" then
      local payload, err = take(self)
      if not payload then
        return nil, err
      end
      if payload ~= "" then
        return payload
      end
    end
    if self.ended then
      return nil, "end"
    end
    local data, err = self:receive(deadline_ms)
    if not data then
      if err == "closed" and self.mode == "close" then
        self.ended = true
        return nil, "end"
      end
      return nil, err
    end
    self.buffer = self.buffer == "" and data or self.buffer .. data
  end
end


-- Done with it: kept for the next request when its answer came to its end, else closed.
function connection:finish()
  if self.ended and self.keep and self.buffer == "" then
    self.sock:setkeepalive(IDLE_MS, POOL_SIZE)
  else
    self.sock:close()
  end
end


function connection:close()
  self.sock:close()
end


return _M
