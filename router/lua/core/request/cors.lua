-- Which web pages may call the pool. A page of another site asks first (a preflight), and its browser hands an answer over
-- only where the answer says so. Nothing here allows cookies: callers show a key in a header.

local headers = require "core.request.headers"

local concat = table.concat
local find = string.find
local gmatch = string.gmatch
local lower = string.lower
local match = string.match

local _M = {}

local ANY = "*"
local METHODS = "GET, HEAD, POST"
local NAMES_MAX = 100
-- Of the router's answers: what a page may read besides their bodies.
local EXPOSED = "x-request-id, request-id, retry-after, openai-processing-ms, x-poolkeeper-endpoint, x-poolkeeper-tier,"
  .. " x-poolkeeper-attempts, x-poolkeeper-fallback, x-poolkeeper-repaired, x-poolkeeper-context-trimmed,"
  .. " x-poolkeeper-debug"
local VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
local SIMPLE_TYPES = { ["text/plain"] = true, ["application/x-www-form-urlencoded"] = true, ["multipart/form-data"] = true }


-- What Access-Control-Allow-Origin says to an origin; nil: it may not call.
local function allowed(cors, origin)
  for i = 1, cors and origin and #cors.origins or 0 do
    if cors.origins[i] == ANY then
      return ANY
    elseif cors.origins[i] == origin then
      return origin
    end
  end
end


local function is_one_of(list, name)
  for i = 1, #list do
    if lower(list[i]) == name then
      return true
    end
  end
  return false
end


-- Of the headers that a page wants to send: those that the router reads or forwards, and those that the pool lists.
local function allowed_headers(cors, wanted)
  local names = {}
  for name in gmatch(lower(wanted or ""), "[%w%-_]+") do
    if #names < NAMES_MAX and (headers.is_read(name) or is_one_of(cors.headers, name)) then
      names[#names + 1] = name
    end
  end
  return names[1] and concat(names, ", ") or nil
end


-- asked: lower-case name -> value. The headers that an answer to this caller needs; nil: none (no CORS in this pool).
function _M.answer_headers(cors, asked)
  if not cors then
    return nil
  end
  local origin = allowed(cors, asked.origin)
  return { ["Vary"] = VARY, ["Access-Control-Allow-Origin"] = origin,
           ["Access-Control-Expose-Headers"] = origin and EXPOSED or nil }
end


-- Is this a browser's question whether a page may call?
function _M.is_preflight(cors, method, asked)
  return cors ~= nil and method == "OPTIONS" and asked.origin ~= nil and asked["access-control-request-method"] ~= nil
end


-- What answers a preflight, beside answer_headers.
function _M.preflight_headers(cors, asked)
  return {
    ["Access-Control-Allow-Methods"] = METHODS,
    ["Access-Control-Allow-Headers"] = allowed_headers(cors, asked["access-control-request-headers"]),
    ["Access-Control-Max-Age"] = ("%d"):format(cors.max_age_s),
    ["Access-Control-Allow-Private-Network"] = asked["access-control-request-private-network"] == "true"
      and allowed(cors, asked.origin) ~= ANY and "true" or nil,
  }
end


local function is_loopback_name(host)
  local name = match(host, "^%[(.*)%]:?%d*$") or match(host, "^([^:]*)")
  return name == "localhost" or find(name, "%.localhost$") ~= nil or find(name, "^127%.%d+%.%d+%.%d+$") ~= nil
    or name == "::1"
end


-- May this request be a page's that has no business here? A page of any site can send simple requests to a router on the
-- machine of its reader. Gives a code and what to say; nil: no. asked: headers, with the host; is_local: does the router
-- listen on this machine alone?
function _M.refusal(cors, asked, is_local)
  local origin, site = asked.origin, asked["sec-fetch-site"]
  if not origin and not site then
    return nil -- no browser
  end
  local host = lower(asked.host or "")
  if is_local and not is_loopback_name(host) then
    return "host_not_allowed", "A browser asked for the host '" .. host:sub(1, 128) .. "'; wanted localhost or 127.0.0.1."
  end
  local is_own = origin and match(origin, "^%a[%w+.-]*://(.*)$") == host
  if not is_own and (origin or site == "cross-site") and not allowed(cors, origin) then
    return "origin_not_allowed", ("A page of '%s' may not call this pool; name it in spec.access.cors.allowedOrigins.")
      :format(tostring(origin or "another site"):sub(1, 128))
  end
  local kind = match(lower(asked["content-type"] or ""), "^[^;%s]+")
  if SIMPLE_TYPES[kind] then
    return "unsupported_media_type", "A page's request has the Content-Type " .. kind .. "; wanted application/json."
  end
end


return _M
