-- Answers that are made here: errors in OpenAI's shape, so that any client library understands them.

local cjson = require "cjson.safe"

local ngx = ngx

local _M = {}

local TYPE = "poolkeeper_error"


function _M.error_body(message, code)
  return cjson.encode({ error = { message = message, type = TYPE, param = cjson.null, code = code } })
end


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
function _M.error(status, code, message, wait_ms)
  if wait_ms then
    ngx.header["Retry-After"] = math.max(1, math.ceil(wait_ms / 1000))
  end
  return _M.json(status, _M.error_body(message, code))
end


return _M
