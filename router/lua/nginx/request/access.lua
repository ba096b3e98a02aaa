-- Which callers are allowed: all (Open), or those with one of the pool's client keys (Keys), and how many requests of one
-- client may be in flight. The caller's key is never forwarded.

local credentials = require "nginx.endpoint.credentials"
local in_flight = require "nginx.endpoint.in_flight"

local _M = {}


-- The keys that a caller shows. Clients use different headers, and a proxy before the router may fill one of them with a
-- login of its own. So each is read.
local KEY_HEADERS = { "x-api-key", "api-key" }

local function shown_keys(headers)
  local keys = {}
  local authorization = headers.authorization
  if type(authorization) == "string" then
    local scheme, key = authorization:match("^(%S+)[ \t]+(%S+)$")
    keys[1] = scheme and scheme:lower() == "bearer" and key or nil
  end
  for _, name in ipairs(KEY_HEADERS) do
    local key = headers[name]
    keys[#keys + 1] = type(key) == "string" and key or nil
  end
  return keys
end


-- The caller: a client of the pool, or the unnamed one under access Open; nil when the caller is not allowed.
function _M.client(doc, headers)
  if doc.access.mode == "Open" then
    return doc.access.anybody
  end
  for _, key in ipairs(shown_keys(headers)) do
    local client = doc.access.by_name[credentials.client_of(key) or ""]
    if client then
      return client
    end
  end
end


-- One more request of its client; false when that client is at its limit. Callers without a name have no limit.
function _M.enter(request)
  local client = request.client
  if not client.slot_id then
    return true
  end
  request.holds_client_slot = in_flight.acquire(client.slot_id, client.max_connections)
  return request.holds_client_slot
end


function _M.leave(request)
  if request.holds_client_slot then
    request.holds_client_slot = false
    in_flight.release(request.client.slot_id)
  end
end


return _M
