-- The way through an endpoint's egress proxy. https goes through a tunnel (CONNECT), so the proxy sees no key and no
-- prompt, and the endpoint's certificate is checked inside it; plain http is forwarded (the absolute form of the request
-- line). The proxy resolves the endpoint's name, not the router: which is what one is asked for by region.

local address = require "core.http.address"
local clock = require "nginx.shared.clock"

local find = string.find
local match = string.match

local _M = {}

local ANSWER_MAX_BYTES = 8192


-- Makes an endpoint ready: whom to dial, what opens a tunnel there (tunnel, nil without), what stands before the path in a
-- request line (origin, "" unless it is forwarded).
function _M.prepare(endpoint)
  local proxy = endpoint.egress_proxy
  endpoint.dial = proxy or endpoint
  endpoint.origin = proxy and endpoint.scheme == "http" and "http://" .. endpoint.authority or ""
  if proxy and endpoint.scheme == "https" then
    local host = find(endpoint.host, ":", 1, true) and "[" .. endpoint.host .. "]" or endpoint.host
    local target = host .. ":" .. endpoint.port
    endpoint.tunnel = "CONNECT " .. target .. " HTTP/1.1\r\nHost: " .. target .. "\r\n\r\n"
  end
end


-- May a proxy be asked for this host? A name is the proxy's to resolve; an address is judged here as any other.
function _M.permitted(endpoint, allow_loopback)
  if not address.kind(endpoint.host) then
    return true
  end
  return address.permitted(endpoint.host, allow_loopback)
end


-- The head of the proxy's answer, which is all there is to it; nil and what is wrong.
local function read_head(sock, deadline_ms)
  local head = ""
  repeat
    local left_ms = deadline_ms - clock.now_ms()
    if left_ms < 1 then
      return nil, "timeout"
    end
    sock:settimeout(left_ms)
    local data, err = sock:receiveany(ANSWER_MAX_BYTES)
    if not data then
      return nil, err
    end
    head = head .. data
    if #head > ANSWER_MAX_BYTES then
      return nil, "its answer has no end within 8 KiB"
    end
  until find(head, "\r\n\r\n", 1, true)
  if find(head, "\r\n\r\n", 1, true) ~= #head - 3 then
    return nil, "something came behind its answer"
  end
  return head
end


-- Opens the tunnel on a socket that is connected to the proxy; nil and why not.
function _M.open(sock, endpoint, deadline_ms)
  local sent, err = sock:send(endpoint.tunnel)
  if not sent then
    return nil, "asking the proxy: " .. err
  end
  local head
  head, err = read_head(sock, deadline_ms)
  if not head then
    return nil, "waiting for the proxy: " .. err
  end
  local status = match(head, "^HTTP/1%.%d (%d%d%d)")
  if not status or not find(status, "^2") then
    return nil, "the proxy answered CONNECT with " .. (status or "something that is no HTTP")
  end
  return true
end


-- Is the answer to a forwarded request the proxy's own? It wants a login, or says (RFC 9209, or as Squid does) that it
-- could not reach the endpoint.
function _M.is_proxys_own(endpoint, status, conn)
  if endpoint.origin == "" then
    return false
  end
  return status == 407 or conn:header("x-squid-error") ~= nil
    or find(conn:header("proxy-status") or "", "error=", 1, true) ~= nil
end


return _M
