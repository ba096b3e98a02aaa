-- The addresses behind a host name: /etc/hosts, then the name servers of resolv.conf, A and AAAA at once. A time to live
-- holds between one second and a minute; when the servers fail, the last good answer is still used. Names are taken as
-- fully qualified: no search domains. Whether an address may be connected to is decided at every connect, not here.

local address = require "core.http.address"
local clock = require "nginx.shared.clock"
local semaphore = require "ngx.semaphore"

local ngx = ngx

local _M = {}

local has_resolver, resolver = pcall(require, "nginx.dns.resolver")
if not has_resolver then
  resolver = require "resty.dns.resolver"
end

local TTL_MIN_S, TTL_MAX_S = 1, 60
local HOSTS_TTL_S = 5
local RETRY_S = 2 -- between lookups that fail
local QUERY_TIMEOUT_MS, QUERY_TRIES = 1000, 2
local STALE_WAIT_MS = 200 -- for a lookup, when the last good answer could serve
local NAMESERVERS_MAX = 3
local KINDS = { A = "AAAA", AAAA = "A" } -- of addresses: each and the other
local OTHER_KIND_MS = 50
local LATE = "late"

local cache = {} -- host -> {addresses, until_ms}
local lookups = {} -- host -> semaphore of the lookup under way

local silent = {} -- host -> the kind that did not come in time last
local resolv_conf, hosts_file


function _M.init(resolv_conf_path, hosts_path)
  resolv_conf, hosts_file = resolv_conf_path, hosts_path
end


local function lines(path)
  local file = io.open(path, "r")
  if not file then
    return function() end
  end
  local text = file:read("*a")
  file:close()
  return text:gmatch("[^\n]+")
end


-- "10.96.0.10", "10.0.0.1:5353" (not in the standard, but handy) or "fd00::a" -> what the resolver library wants
local function nameserver(text)
  local host, port = text:match("^(%d+%.%d+%.%d+%.%d+):(%d+)$")
  if host then
    return { host, tonumber(port) }
  end
  if not address.kind(text) then
    return nil
  end
  return text:find(":", 1, true) and "[" .. text .. "]" or text
end


local function nameservers()
  local found = {}
  for line in lines(resolv_conf) do
    local server = nameserver(line:match("^%s*nameserver%s+(%S+)") or "")
    if server and #found < NAMESERVERS_MAX then
      found[#found + 1] = server
    end
  end
  return found
end


local function from_hosts(host)
  local found = {}
  for line in lines(hosts_file) do
    local ip, names = line:match("^%s*([^#%s]+)%s+([^#]+)")
    if ip and address.kind(ip) and (" " .. names:lower() .. " "):find("%s" .. host:lower():gsub("%p", "%%%0") .. "%s") then
      found[#found + 1] = ip
    end
  end
  return #found > 0 and found or nil
end


-- One question to the servers: its kind (KINDS), the addresses, and their time to live or what went wrong.
local function ask(servers, host, kind)
  local client, err = resolver:new({ nameservers = servers, retrans = QUERY_TRIES, timeout = QUERY_TIMEOUT_MS })
  if not client then
    return kind, {}, "making a resolver: " .. err
  end
  local answers
  answers, err = client:query(host, { qtype = client["TYPE_" .. kind] })
  if not answers or answers.errcode then
    return kind, {}, answers and answers.errstr or err
  end
  local found, ttl_s = {}, TTL_MAX_S
  for _, answer in ipairs(answers) do
    if answer.type == client["TYPE_" .. kind] and answer.address then
      found[#found + 1] = answer.address
      ttl_s = math.min(ttl_s, answer.ttl)
    end
  end
  return kind, found, ttl_s
end


local function wait(delay_ms)
  ngx.sleep(delay_ms / 1000)
  return LATE, {}
end


-- The first of some threads that ends: kind, addresses, time to live or error.
local function await(...)
  local ok, kind, found, ttl_or_err = ngx.thread.wait(...)
  if not ok then
    error(kind, 0)
  end
  return kind, found, ttl_or_err
end


-- Asks for both kinds at once. The first that has an address is used; the other one is waited for as long as RFC 8305 has
-- it, and not at all where it did not come the last time: some name servers never answer one kind.
local function from_servers(host)
  local servers = nameservers()
  if #servers == 0 then
    return nil, "no nameserver in " .. resolv_conf
  end
  local threads = {}
  for kind in pairs(KINDS) do
    threads[kind] = ngx.thread.spawn(ask, servers, host, kind)
  end
  local first, found, ttl_or_err = await(threads.A, threads.AAAA)
  local other = KINDS[first]
  local second, more, more_ttl_or_err
  if found[1] then
    local timer = ngx.thread.spawn(wait, silent[host] == other and 0 or OTHER_KIND_MS)
    second, more, more_ttl_or_err = await(threads[other], timer)
    ngx.thread.kill(second == LATE and threads[other] or timer)
  else
    second, more, more_ttl_or_err = await(threads[other])
  end
  silent[host] = second == LATE and other or nil
  if second == LATE or not more[1] then
    if found[1] then
      return found, math.max(TTL_MIN_S, ttl_or_err)
    end
    return nil, type(ttl_or_err) == "string" and ttl_or_err or "no address"
  end
  local addresses = {}
  for i = 1, math.max(#found, #more) do -- by turns, so that a broken kind costs one head start (RFC 8305)
    for _, list in ipairs(first == "A" and { found, more } or { more, found }) do
      addresses[#addresses + 1] = list[i]
    end
  end
  return addresses, math.max(TTL_MIN_S, math.min(more_ttl_or_err, found[1] and ttl_or_err or TTL_MAX_S))
end


local function look_up(host)
  local found = from_hosts(host)
  if found then
    return found, HOSTS_TTL_S
  end
  local ok, addresses, ttl_or_err = pcall(from_servers, host)
  if not ok then
    return nil, tostring(addresses)
  end
  return addresses, ttl_or_err
end


-- In a timer: a caller that goes must not take with it what others wait for.
local function refresh(premature, host)
  local found, ttl_or_err
  if not premature then
    found, ttl_or_err = look_up(host)
  end
  local done, known, now_ms = lookups[host], cache[host], clock.now_ms()
  lookups[host] = nil
  if found then
    cache[host] = { addresses = found, until_ms = now_ms + ttl_or_err * 1000 }
  elseif known and known.addresses then
    known.until_ms = now_ms + RETRY_S * 1000
  else
    cache[host] = { err = ttl_or_err, until_ms = 0 }
  end
  if done:count() < 0 then
    done:post(-done:count())
  end
end


local function start_refresh(host)
  local done = semaphore.new()
  lookups[host] = done
  local ok, err = ngx.timer.at(0, refresh, host)
  if not ok then
    lookups[host] = nil
    return nil, err
  end
  return done
end


-- The addresses of a host (an IP literal is its own), or nil and why not. Waits until deadline_ms for a lookup, and only a
-- moment for one that would replace what is known.
function _M.resolve(host, deadline_ms)
  local known = cache[host]
  if known and clock.now_ms() < known.until_ms then
    return known.addresses
  end
  if address.kind(host) then
    cache[host] = { addresses = { host }, until_ms = math.huge }
    return cache[host].addresses
  end
  local under_way, err = lookups[host], nil
  if not under_way then
    under_way, err = start_refresh(host)
  end
  if under_way then
    local wait_ms = known and known.addresses and STALE_WAIT_MS or math.huge
    under_way:wait(math.max(1, math.min(wait_ms, deadline_ms - clock.now_ms())) / 1000)
  end
  known = cache[host]
  if known and known.addresses then
    return known.addresses
  end
  return nil, "resolving " .. host .. ": " .. (err or known and known.err or "no answer")
end


return _M
