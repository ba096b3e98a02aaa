-- Requests of web pages (core/request/cors.lua): preflights are answered, answers say who may read them, and what a page
-- must not send ends here.

local cors = require "core.request.cors"
local final_error = require "nginx.request.final_error"

local ngx = ngx

local _M = {}

local STATUS = { unsupported_media_type = 415 }
local LOOPBACK = "^127%."


local function single_values(client_headers)
  return setmetatable({}, { __index = function(_, name)
    local value = client_headers[name]
    return type(value) == "table" and value[1] or value
  end })
end


local function set(headers)
  for name, value in pairs(headers or {}) do
    ngx.header[name] = value
  end
end


-- Before anything else of a request is looked at: headers for its answer, and an end where it is a preflight or refused.
function _M.begin(request, method)
  local doc, client_headers = request.doc, request.client_headers
  local pages = doc.access.cors
  if not pages and not (doc.allow_loopback and (client_headers.origin or client_headers["sec-fetch-site"])) then
    return
  end
  local asked = single_values(client_headers)
  set(cors.answer_headers(pages, asked))
  local address = ngx.var.server_addr
  local is_local = doc.allow_loopback and (address:find(LOOPBACK) ~= nil or address == "::1")
  local code, message = cors.refusal(pages, asked, is_local)
  if code then
    return final_error.refuse(request, STATUS[code] or 403, code, message)
  end
  if cors.is_preflight(pages, method, asked) then
    set(cors.preflight_headers(pages, asked))
    return ngx.exit(ngx.HTTP_NO_CONTENT)
  end
end


-- For an answer that another location gives.
function _M.mark(request)
  set(cors.answer_headers(request.doc and request.doc.access.cors, single_values(request.client_headers)))
end


return _M
