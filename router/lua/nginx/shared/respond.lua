-- Answers that are made here. Errors have the shape of the caller's protocol, so that its client library understands them.

local ngx = ngx

local _M = {}

function _M.json(status, body)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Content-Length"] = #body
  ngx.print(body)
  return ngx.exit(ngx.OK)
end


-- A provider's own body; status and content type are set already.
function _M.as_is(body)
  ngx.header["Content-Length"] = #body
  ngx.print(body)
  return ngx.exit(ngx.OK)
end


-- wait_ms: when asking again may help; nil when it does not
function _M.error(protocol, status, code, message, wait_ms)
  if wait_ms then
    ngx.header["Retry-After"] = math.max(1, math.ceil(wait_ms / 1000))
  end
  return _M.json(status, protocol.error_body(message, code, status))
end


-- The id that the caller knows his request by, under the names that clients of its protocol read.
function _M.identify(request)
  local headers = ngx.header
  headers["x-request-id"] = request.id
  if request.protocol.ID_HEADER then
    headers[request.protocol.ID_HEADER] = request.id
  end
end


return _M
