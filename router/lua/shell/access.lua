-- Who may call: anybody (Open), or who shows one of the pool's client keys (Keys). The key shown is never forwarded.

local keys = require "shell.keys"

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


-- The caller's name: "" where anybody may call, nil when the caller is not allowed in.
function _M.client_of(doc, headers)
  if doc.access.mode == "Open" then
    return ""
  end
  local key = shown_key(headers)
  return key and keys.client_of(key) or nil
end


return _M
