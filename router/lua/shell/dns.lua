-- The addresses behind a host name: /etc/hosts, then the name servers of resolv.conf, A and AAAA. A time to live is
-- honoured between one second and a minute; when the servers fail, the last good answer goes on serving. Names are taken
-- as fully qualified: no search domains. Whether an address may be connected to is decided at every connect, not here.

local address = require "pool.address"
local clock = require "shell.clock"
local semaphore = require "ngx.semaphore"


local _M = {}

local has_resolver, resolver = pcall(require, "nginx.dns.resolver")
if not has_resolver then
  resolver = require "resty.dns.resolver"
end

local TTL_MIN_S, TTL_MAX_S = 1, 60
local HOSTS_TTL_S = 5
local RETRY_S = 2 -- between lookups that fail
local QUERY_TIMEOUT_MS, QUERY_TRIES = 1000, 2
local WAIT_S = 3 -- for somebody else's lookup of the same name
local NAMESERVERS_MAX = 3

local cache = {} -- host -> {addresses, until_ms}
local lookups = {} -- host -> semaphore of the lookup under way

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


-- One question; adds to found. Gives the smallest time to live seen, or nil and what went wrong.
local function ask(client, host, kind, found, ttl_s)
  local answers, err = client:query(host, { qtype = kind })
  if not answers then
    return nil, err
  end
  if answers.errcode then
    return nil, answers.errstr
  end
  for _, answer in ipairs(answers) do
    if answer.type == kind and answer.address then
      found[#found + 1] = answer.address
      ttl_s = math.min(ttl_s, answer.ttl)
    end
  end
  return ttl_s
end


local function from_servers(host)
  local servers = nameservers()
  if #servers == 0 then
    return nil, "no nameserver in " .. resolv_conf
  end
  local client, err = resolver:new({ nameservers = servers, retrans = QUERY_TRIES, timeout = QUERY_TIMEOUT_MS })
  if not client then
    return nil, "making a resolver: " .. err
  end
  local found, ttl_s, first_err = {}, TTL_MAX_S, nil
  for _, kind in ipairs({ client.TYPE_A, client.TYPE_AAAA }) do
    local seen, query_err = ask(client, host, kind, found, ttl_s)
    ttl_s = seen or ttl_s
    first_err = first_err or query_err
  end
  if #found == 0 then
    return nil, first_err or "no address"
  end
  return found, math.max(TTL_MIN_S, ttl_s)
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


local function refresh(host, stale)
  local done = semaphore.new()
  lookups[host] = done
  local found, ttl_or_err = look_up(host)
  lookups[host] = nil
  local now_ms = clock.now_ms()
  if found then
    cache[host] = { addresses = found, until_ms = now_ms + ttl_or_err * 1000 }
  elseif stale then
    stale.until_ms = now_ms + RETRY_S * 1000
  end
  if done:count() < 0 then
    done:post(-done:count())
  end
  if found then
    return found
  end
  return stale and stale.addresses, "resolving " .. host .. ": " .. ttl_or_err
end


-- The addresses of a host (an IP literal is its own), or nil and why not.
function _M.resolve(host)
  local known = cache[host]
  if known and clock.now_ms() < known.until_ms then
    return known.addresses
  end
  if address.kind(host) then
    cache[host] = { addresses = { host }, until_ms = math.huge }
    return cache[host].addresses
  end
  local under_way = lookups[host]
  if not under_way then
    return refresh(host, known)
  end
  if known then
    return known.addresses
  end
  under_way:wait(WAIT_S)
  known = cache[host]
  if known then
    return known.addresses
  end
  return nil, "resolving " .. host .. ": no answer"
end


return _M
