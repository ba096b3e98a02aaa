-- The admin port's /candidates?model=NAME&client=NAME: how a chat request would find the endpoints now, for `poolkeeper
-- explain --why`. Without client: of a caller who may use all.

local balancer = require "nginx.balancing.balancer"
local barred = require("core.request.route").barred
local choice_report = require "core.balancing.choice_report"
local clock = require "nginx.shared.clock"
local document_sync = require "nginx.document_sync"
local encode = require "core.json.encode"
local respond = require "nginx.shared.respond"
local usable = require "nginx.balancing.candidates"

local ngx = ngx

local _M = {}


local function refuse(message)
  return respond.json(200, encode.encode({ problem = message, endpoints = encode.list({}) }))
end


function _M.serve()
  local doc, args = document_sync.current(), ngx.req.get_uri_args(8)
  if not doc then
    return refuse("the router has no configuration yet")
  end
  local model, name = args.model, args.client
  if type(model) ~= "string" or not doc.serves[model] then
    return refuse("the pool does not serve this model; it serves " .. table.concat(doc.models, ", "))
  end
  local client = name == nil and doc.access.anybody or doc.access.by_name[name]
  if not client then
    return refuse("the pool has no client of this name")
  end
  local request = usable.anybodys(doc, model)
  request.ignores_load, request.barred = nil, barred(doc.endpoints, client, {})
  return respond.json(200, encode.encode({
    pool = doc.pool, model = model, client = client.name,
    isAllowed = not client.may_ask or client.may_ask[model] or false,
    endpoints = choice_report.with_meanings(balancer.explain(request, clock.now_ms())),
  }))
end


return _M
