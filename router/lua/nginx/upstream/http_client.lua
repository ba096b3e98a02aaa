-- HTTP/1.1 towards an endpoint, over a cosocket: connect to a checked address, send, read the head, read the body as it
-- comes. Idle connections are kept in pools whose name holds everything that must not be mixed: the endpoint, what it is
-- (fingerprint), the name its certificate was checked for, the address, the proxy on the way if there is one.

local address = require "core.http.address"
local clock = require "nginx.shared.clock"
local dns = require "nginx.upstream.dns"
local framing = require "core.http.framing"
local response_head = require "core.http.response_head"
local egress_proxy = require "nginx.upstream.egress_proxy"

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
local POOL_SIZE = 512
local END_GRACE_MS = 100 -- for the end of the body, once the last event of a stream is here
local ADDRESSES_MAX = 3
local DEAD_MS = 30000 -- so long an address that did not answer is tried last
local CLOSED_EARLY = "closed before an answer"

-- How to connect to one address of an endpoint, made once; nil and why when the address is not allowed.
local function options_for(endpoint, ip, allow_loopback)
  local options = endpoint.pools[ip]
  if options then
    return options
  end
  local ok, err = address.permitted(ip, allow_loopback)
  if ok and endpoint.egress_proxy then
    ok, err = egress_proxy.permitted(endpoint, allow_loopback)
  end
  if not ok then
    return nil, err
  end
  local name = endpoint.tls and endpoint.tls.server_name or "-"
  options = {
    host = find(ip, ":", 1, true) and "[" .. ip .. "]" or ip,
    pool = table.concat({ endpoint.id, endpoint.scheme, name, ip, endpoint.dial.port,
                          endpoint.egress_proxy and "for " .. endpoint.authority or "direct" }, "|"),
    pool_size = POOL_SIZE,
  }
  options.fresh = { host = options.host, pool = options.pool .. "|fresh" } -- nothing is ever kept there
  endpoint.pools[ip] = options
  return options
end


-- For a socket's timer, which takes no less: a late caller is stopped at its next deadline.
local function left_ms(deadline_ms)
  return math.max(1, deadline_ms - now_ms())
end


local function connect_to(endpoint, options, connect_ms, deadline_ms)
  local sock, err = ngx.socket.tcp()
  if not sock then
    return nil, "making a socket: " .. err
  end
  local until_ms = now_ms() + connect_ms
  sock:settimeouts(connect_ms, left_ms(deadline_ms), connect_ms)
  local ok
  ok, err = sock:connect(options.host, endpoint.dial.port, options)
  if not ok then
    return nil, "connecting: " .. err
  end
  local reused = sock:getreusedtimes() > 0
  if endpoint.tunnel and not reused then
    ok, err = egress_proxy.open(sock, endpoint, until_ms)
    if not ok then
      sock:close()
      return nil, err
    end
  end
  if endpoint.tls and not reused then
    connect_ms = left_ms(until_ms)
    sock:settimeouts(connect_ms, left_ms(deadline_ms), connect_ms)
    ok, err = sock:sslhandshake(false, endpoint.tls.server_name, true)
    if not ok then
      sock:close()
      return nil, "TLS handshake: " .. (err or "failed"), true
    end
  end
  return setmetatable({
    sock = sock, reused = reused, buffer = "", timeout_ms = connect_ms, reads = 0, head_bytes = 0,
    head = "", mode = "none", left = 0, in_trailer = false, ended = false, keep = false,
    is_fresh = false,
  }, connection)
end


-- The addresses, those last that did not answer just now: a dead one of two costs one request, not each.
local function dead_last(endpoint, addresses, at_ms)
  if not addresses[2] then
    return addresses
  end
  local alive, dead = {}, {}
  for _, ip in ipairs(addresses) do
    local options = endpoint.pools[ip]
    local list = options and (options.dead_until_ms or 0) > at_ms and dead or alive
    list[#list + 1] = ip
  end
  for _, ip in ipairs(dead) do
    alive[#alive + 1] = ip
  end
  return alive
end


-- A connection to one of the endpoint's addresses (or its proxy's), fresh or kept; nil, why not, and what that is: Connect,
-- or ProxyFailed where the endpoint itself was never reached. connect_ms: for the name, all its addresses and the
-- handshake together; an address that does not answer leaves the others their share of it. deadline_ms: of the attempt.
-- is_fresh: no kept one.
function _M.connect(endpoint, connect_ms, deadline_ms, allow_loopback, is_fresh)
  local fault = endpoint.egress_proxy and "ProxyFailed" or "Connect"
  local until_ms = math.min(now_ms() + connect_ms, deadline_ms)
  local addresses, err = dns.resolve(endpoint.dial.host, until_ms)
  if not addresses then
    return nil, err, fault
  end
  local count = math.min(#addresses, ADDRESSES_MAX)
  addresses = dead_last(endpoint, addresses, now_ms())
  for i = 1, count do
    local options
    options, err = options_for(endpoint, addresses[i], allow_loopback)
    if options then
      local share_ms = (until_ms - now_ms()) / (count - i + 1)
      if share_ms < 1 then
        break
      end
      local conn, reached
      conn, err, reached = connect_to(endpoint, is_fresh and options.fresh or options, share_ms, deadline_ms)
      options.dead_until_ms = not conn and count > 1 and now_ms() + DEAD_MS or nil
      if conn then
        conn.is_fresh = is_fresh
        return conn
      end
      fault = reached and "Connect" or fault
    end
  end
  return nil, err or "connecting: timeout", fault
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
-- that is left. (A thread that watches would outlive an attempt that is given up for another one.)
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


-- message: pieces, the last of which is the body
function connection:send(message, deadline_ms)
  local bytes, err
  local count = #message
  if #message[count] < BIG_BYTES then
    bytes, err = self.sock:send(message)
  else
    bytes, err = self.sock:send(table.concat(message, "", 1, count - 1))
    if bytes then
      bytes, err = self:send_slices(message[count], deadline_ms)
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


-- Done with it: kept for the next request when its answer came to its end, else closed.
function connection:finish()
  if self.ended and self.keep and not self.is_fresh and self.buffer == "" then
    self.sock:setkeepalive(IDLE_MS, POOL_SIZE)
  else
    self.sock:close()
  end
end


-- After the last event of a stream: reads what is left of the framing, so that the connection can be kept.
function connection:finish_stream()
  self:read(now_ms() + END_GRACE_MS)
  self:finish()
end


function connection:close()
  self.sock:close()
end


return _M
