-- How a connection to an endpoint is made: to which of its addresses, through which proxy, with which handshake. Idle
-- connections are kept in pools whose name holds everything that must not be mixed: the endpoint, what it is (fingerprint),
-- the name its certificate was checked for, the address, the proxy on the way if there is one.

local address = require "core.http.address"
local clock = require "nginx.shared.clock"
local dns = require "nginx.upstream.dns"
local egress_proxy = require "nginx.upstream.egress_proxy"

local ngx = ngx
local now_ms = clock.now_ms
local find = string.find

local _M = {}

local POOL_SIZE = 512
local ADDRESSES_MAX = 8
local HEAD_START_MS = 200 -- of an address before the next one (RFC 8305: from 100 to 2000)
local DEAD_MS = 30000 -- so long an address that did not answer is tried last

_M.POOL_SIZE = POOL_SIZE


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


-- try: sock and is_reached are left there, for those who run several at once; else nil. Gives the socket, whether it was a
-- kept one, and its time limit; or nil, why not, and whether there was a connection.
local function connect_to(endpoint, options, connect_ms, deadline_ms, try)
  local sock, err = ngx.socket.tcp()
  if not sock then
    return nil, "making a socket: " .. err
  end
  if try then
    try.sock = sock
  end
  local until_ms = now_ms() + connect_ms
  sock:settimeouts(connect_ms, left_ms(deadline_ms), connect_ms)
  local ok
  ok, err = sock:connect(options.host, endpoint.dial.port, options)
  if not ok then
    return nil, "connecting: " .. err
  end
  if try then
    try.is_reached = true
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
  return sock, reused, connect_ms
end


-- The addresses, those last that did not answer just now: a dead one of two costs one request, not each.
local function dead_last(endpoint, addresses, at_ms)
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


local function sleep(wait_ms)
  ngx.sleep(wait_ms / 1000)
end


local function run_try(endpoint, try, connect_ms, deadline_ms)
  return try, connect_to(endpoint, try.options, connect_ms, deadline_ms, try)
end


-- Ends the tries that lost. One that had no connection yet, though it began before the winner, does not answer.
local function give_up(tries, winner)
  local is_earlier = true
  for _, try in ipairs(tries) do
    is_earlier = is_earlier and try ~= winner
    if try.is_running then
      ngx.thread.kill(try.thread)
      try.sock:close()
      if is_earlier and not try.is_reached then
        try.address.dead_until_ms = now_ms() + DEAD_MS
      end
    end
  end
end


local function threads_of(tries)
  local threads, is_reached = {}, false
  for _, try in ipairs(tries) do
    if try.is_running then
      threads[#threads + 1] = try.thread
      is_reached = is_reached or try.is_reached
    end
  end
  return threads, is_reached
end


-- Waits for one of the tries to end, or for the time to start the next one: nil.
local function await(tries, is_more, until_ms, left)
  local threads, is_reached = threads_of(tries)
  local timer
  if is_more then
    local share_ms = (until_ms - now_ms()) / (left + 1)
    timer = ngx.thread.spawn(sleep, math.max(1, is_reached and share_ms or math.min(HEAD_START_MS, share_ms)))
    threads[#threads + 1] = timer
  end
  local ok, try, sock, reused_or_err, limit_or_reached = ngx.thread.wait(unpack(threads))
  if not ok then
    error(try, 0)
  end
  if timer and try then
    ngx.thread.kill(timer)
  end
  return try, sock, reused_or_err, limit_or_reached
end


-- One address after the other, each a head start before the next (RFC 8305): an address that swallows what is sent to it
-- costs that, and no more. The first connection wins.
local function race(endpoint, tries, until_ms, deadline_ms)
  local started, running, last_err, was_reached = 0, 0, nil, false
  while true do
    if tries[started + 1] and until_ms - now_ms() >= 1 then
      started, running = started + 1, running + 1
      local try = tries[started]
      try.is_running = true
      try.thread = ngx.thread.spawn(run_try, endpoint, try, until_ms - now_ms(), deadline_ms)
    end
    if running == 0 then
      return nil, last_err or "connecting: timeout", was_reached
    end
    local try, sock, reused_or_err, limit_or_reached
    repeat
      try, sock, reused_or_err, limit_or_reached = await(tries, tries[started + 1] ~= nil, until_ms, #tries - started)
      if try then
        try.is_running, running = false, running - 1
        try.address.dead_until_ms = not sock and now_ms() + DEAD_MS or nil
        last_err, was_reached = reused_or_err, was_reached or limit_or_reached
      end
    until sock or tries[started + 1] or running == 0
    if sock then
      give_up(tries, try)
      return sock, reused_or_err, limit_or_reached
    end
  end
end


local function used(options, is_fresh)
  return is_fresh and options.fresh or options
end


-- The tries for the addresses that may be connected to; or an empty list, and why not.
local function tries_for(endpoint, addresses, allow_loopback, is_fresh)
  local tries, err = {}, nil
  for _, ip in ipairs(dead_last(endpoint, addresses, now_ms())) do
    local options, why = options_for(endpoint, ip, allow_loopback)
    err = err or why
    if options and #tries < ADDRESSES_MAX then
      tries[#tries + 1] = { address = options, options = used(options, is_fresh) }
    end
  end
  return tries, err
end


-- To one of several addresses.
local function connect_to_any(endpoint, addresses, until_ms, deadline_ms, allow_loopback, is_fresh)
  local tries, err = tries_for(endpoint, addresses, allow_loopback, is_fresh)
  if not tries[1] or until_ms - now_ms() < 1 then
    return nil, err or "connecting: timeout"
  elseif tries[2] then
    return race(endpoint, tries, until_ms, deadline_ms)
  end
  return connect_to(endpoint, tries[1].options, until_ms - now_ms(), deadline_ms)
end


-- To the only address.
local function connect_to_one(endpoint, ip, until_ms, deadline_ms, allow_loopback, is_fresh)
  local options, err = options_for(endpoint, ip, allow_loopback)
  if not options or until_ms - now_ms() < 1 then
    return nil, err or "connecting: timeout"
  end
  return connect_to(endpoint, used(options, is_fresh), until_ms - now_ms(), deadline_ms)
end


-- A socket that is connected to one of the endpoint's addresses (or its proxy's), whether it was a kept one, and its time
-- limit; nil, why not, and what that is: Connect, or ProxyFailed where the endpoint itself was never reached. connect_ms:
-- for the name, all its addresses and the handshake together. deadline_ms: of the attempt. is_fresh: no kept one.
function _M.connect(endpoint, connect_ms, deadline_ms, allow_loopback, is_fresh)
  local fault = endpoint.egress_proxy and "ProxyFailed" or "Connect"
  local until_ms = math.min(now_ms() + connect_ms, deadline_ms)
  local addresses, err = dns.resolve(endpoint.dial.host, until_ms)
  if not addresses then
    return nil, err, fault
  end
  local connect, to = connect_to_one, addresses[1]
  if addresses[2] then
    connect, to = connect_to_any, addresses
  end
  local sock, reused_or_err, limit_or_reached = connect(endpoint, to, until_ms, deadline_ms, allow_loopback, is_fresh)
  if sock then
    return sock, reused_or_err, limit_or_reached
  end
  return nil, reused_or_err, limit_or_reached and "Connect" or fault
end


return _M
