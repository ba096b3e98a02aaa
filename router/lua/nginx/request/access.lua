-- Who may call: anybody (Open), or who shows one of the pool's client keys (Keys), and how many requests of one client may
-- be in flight. The key shown is never forwarded.

local credentials = require "nginx.endpoint.credentials"
local in_flight = require "nginx.endpoint.in_flight"

local _M = {}


local function shown_key(headers)
  local authorization = headers.authorization
  if type(authorization) == "string" then
    local scheme, key = authorization:match("^(%S+) +(%S+)$")
    return scheme and scheme:lower() == "bearer" and key
  end
  local key = headers["x-api-key"]
  return type(key) == "string" and key
end


-- Who calls: one of the pool's clients, or anybody under access Open; nil when the caller is not allowed in.
function _M.client(doc, headers)
  if doc.access.mode == "Open" then
    return doc.access.anybody
  end
  local key = shown_key(headers)
  local name = key and credentials.client_of(key)
  return name and doc.access.by_name[name]
end


-- One more request of its client; false when that has as many as it may have. Who is anybody has no limit.
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
