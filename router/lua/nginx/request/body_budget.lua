-- How many bytes of bodies a worker holds at once. A body stays in memory until its request ends, because it may be sent
-- again, and a caller that sends slowly holds what it has announced. Small ones are never refused: other uploads keep no
-- caller from a short question.

local ngx = ngx

local _M = {}

local BUDGET_BYTES = 128 * 1024 * 1024 -- of the router; its workers share it
local BODY_MAX_BYTES = 16 * 1024 * 1024 -- nginx.conf's
local SMALL_BYTES = 64 * 1024
local GRACE_S, BYTES_PER_S = 30, 64 * 1024 -- the least that a caller must send in a second, after the grace

local held_bytes = 0


-- Takes room for the body of a request. headers: the caller's; a body without a length may be as large as any. False when
-- there is none: the one that is alone always fits.
function _M.take(request, headers)
  local bytes = tonumber(headers["content-length"]) or headers["transfer-encoding"] and BODY_MAX_BYTES or 0
  if bytes <= SMALL_BYTES then
    request.body_bytes = 0
    return true
  end
  if held_bytes > 0 and held_bytes + bytes > BUDGET_BYTES / ngx.worker.count() then
    return false
  end
  request.body_bytes, held_bytes = bytes, held_bytes + bytes
  return true
end


-- A body is so long while it is decompressed. False when there is no room for that.
function _M.grow(request, bytes)
  local more = bytes - request.body_bytes
  if bytes <= SMALL_BYTES or more <= 0 then
    return true
  end
  if held_bytes > request.body_bytes and held_bytes + more > BUDGET_BYTES / ngx.worker.count() then
    return false
  end
  request.body_bytes, held_bytes = bytes, held_bytes + more
  return true
end


-- The body has come, and is so long.
function _M.settle(request, bytes)
  if request.body_bytes > 0 then
    held_bytes = held_bytes + bytes - request.body_bytes
    request.body_bytes = bytes
  end
end


function _M.give_back(request)
  held_bytes = held_bytes - (request.body_bytes or 0)
  request.body_bytes = 0
end


-- How long the upload may take; nil for a small one, of which nginx waits for every piece for its own time.
function _M.upload_s(request)
  return request.body_bytes > 0 and GRACE_S + request.body_bytes / BYTES_PER_S or nil
end


return _M
