-- The body of a caller's request: whether there is room for it, how long it may take to come, what it asks for.

local access = require "nginx.request.access"
local body_budget = require "nginx.request.body_budget"
local cjson = require "cjson.safe"
local final_error = require "nginx.request.final_error"
local features = require "core.request.features"
local inflate = require "nginx.request.inflate"
local request_body = require "core.request.body"
local route = require "core.request.route"
local peek = require "core.json.peek"
local sse = require "core.answer.sse"
local surfaces = require "core.protocol.surface"
local turn = require "nginx.shared.turn"

local ngx = ngx

local _M = {}

local NOTHING = {}
local BODY_MAX_BYTES = 16 * 1024 * 1024
local RETRY_SOON_MS = 1000 -- the caller's Retry-After when no better time is known


local reading = {} -- connection -> the request whose body is being read there, while it may turn out too large


function _M.give_back(request)
  access.leave(request)
  body_budget.give_back(request)
  if request.connection then
    reading[request.connection] = nil
  end
end


-- nginx went to another location with a body that is too large: what its request held is free again.
function _M.lost(connection)
  if reading[connection] then
    _M.give_back(reading[connection])
  end
end


local function no_room(request)
  return final_error.shed(request, 503, "body_memory_full",
                          "The bodies of the requests in flight fill the memory that this router has for them.",
                          RETRY_SOON_MS)
end


-- Before the body is read: counts a request among those of its client, and takes room for its body. One too many ends here.
function _M.admit(request)
  if not access.enter(request) then
    return final_error.shed(request, 429, "client_limit",
                         ("Your API key is at its limit of requests in flight (%d at this router); wait for one to end.")
                           :format(request.client.max_connections), RETRY_SOON_MS)
  end
  if not body_budget.take(request, request.client_headers) then
    return no_room(request)
  end
end


-- Reads a body that is not small, for as long as it may take. One without a length may turn out too large: then nginx goes
-- to another location, and forgets what the request holds here.
local function read_large_body(request, upload_s)
  request.connection = ngx.var.connection
  reading[request.connection] = request
  local alarm = ngx.thread.spawn(function()
    ngx.sleep(upload_s)
    return final_error.refuse(request, 408, "upload_too_slow", "The body came too slowly.")
  end)
  ngx.req.read_body()
  ngx.thread.kill(alarm)
  reading[request.connection] = nil
end


-- The body without its Content-Encoding; a refusal ends the request.
local function inflated(request, body, header)
  local encodings, unknown = inflate.encodings(type(header) == "table" and table.concat(header, ",") or header)
  if not encodings then
    ngx.header["Accept-Encoding"] = inflate.ACCEPTED
    return final_error.refuse(request, 415, "unsupported_encoding",
                              ("A body in Content-Encoding '%s' is not read here; wanted one of: %s, or none.")
                                :format(unknown:sub(1, 64), inflate.ACCEPTED))
  end
  local text, err = inflate.inflate(body, encodings, BODY_MAX_BYTES, function(bytes)
    return body_budget.grow(request, bytes)
  end)
  if err == "no room" then
    return no_room(request)
  end
  if not text and err == "too large" then
    return final_error.refuse(request, 413, "body_too_large",
                              "Uncompressed, the body is larger than this router takes (16 MiB).")
  end
  if not text then
    return final_error.refuse(request, 400, "invalid_json", "The body could not be read: it is " .. err .. ".")
  end
  return text
end


-- A chat that DeepSeek takes at its beta address only: an answer that is begun (prefix), strict tools. A begun answer goes
-- to endpoints with such an address, where the pool has any: others would begin a new turn.
local function look_for_beta(request, body)
  local has_prefix = peek.says_true(body, "prefix", turn.pause)
  request.is_beta = request.is_beta or has_prefix or peek.says_true(body, "strict", turn.pause)
  if not has_prefix then
    return
  end
  for _, endpoint in ipairs(request.doc.endpoints) do
    if endpoint.can.BetaSurface and route.of(request, endpoint) then
      request.needs = "BetaSurface"
    end
  end
end


-- Reads the body. Fills model, choices and wants_usage; a refusal ends the request.
function _M.read(request)
  local doc, upload_s = request.doc, body_budget.upload_s(request)
  if upload_s then
    read_large_body(request, upload_s)
  else
    ngx.req.read_body()
  end
  local body = ngx.req.get_body_data()
  if not body and ngx.req.get_body_file() then
    return final_error.refuse(request, 413, "body_too_large",
                           "The chunks of the body are too small: with their framing it is over the limit of 16 MiB.")
  end
  if not body then
    return final_error.refuse(request, 400, "invalid_json", "The request has no body; send a JSON object.")
  end
  local encoding = request.client_headers["content-encoding"]
  if encoding then
    body = inflated(request, body, encoding)
  end
  body = sse.without_bom(body) -- some libraries write one before JSON, too
  body_budget.settle(request, #body)
  local parsed, err = request_body.parse(body, cjson.decode, doc.models[1], request.surface, turn.pause)
  if not parsed then
    return final_error.refuse(request, 400, "invalid_json", "The body is invalid: " .. err .. ".")
  end
  if not doc.serves[parsed.model] then
    return final_error.refuse(request, 404, "model_not_found",
                  ("This pool does not serve the model '%s'; its models: %s.")
                    :format(parsed.model:sub(1, 128), table.concat(doc.models, ", ")))
  end
  if request.client.may_ask and not request.client.may_ask[parsed.model] then
    return final_error.refuse(request, 403, "model_not_allowed",
                  ("Your API key may not ask for the model '%s'."):format(parsed.model:sub(1, 128)))
  end
  request.parsed, request.model, request.first_model = parsed, parsed.model, parsed.model
  request.asked = surfaces.asked(request.surface, parsed.model)
  request.choices, request.wants_usage = parsed.choices, parsed.wants_usage
  if doc.has_lacks then
    request.features = features.of(body, turn.pause)
  end
  if doc.has_lacks or request.client.allowed then
    request.barred = route.barred(doc.endpoints, request.client, request.features or NOTHING)
  end
  if request.surface == surfaces.CHAT then
    look_for_beta(request, body)
  end
end


return _M
