-- A request's way to an endpoint. The only place that decides whether there is one, so that no retry, hedge, continuation or
-- fallback model goes where the caller's requests, or this one, must not go.

local standby = require "core.request.cold_standby"

local concat = table.concat

local _M = {}

local BAR_RANK = { client = 1, policy = 2 } -- of features: 0, because another request of the same client may be served


local function set_of(names)
  local set = {}
  for i = 1, #names do
    set[names[i]] = true
  end
  return set
end


-- A client with what it may use: may_ask, a set of models, and allowed, a set of endpoints, each nil for all. cache_owner: a
-- cached answer is for one client, and no longer when the client may use other endpoints.
function _M.prepare(client)
  local models, endpoints = client.allowed_models, client.allowed_endpoints
  client.may_ask = models and set_of(models)
  client.allowed = endpoints and set_of(endpoints)
  client.cache_owner = client.name .. "\0" .. concat(endpoints or { "*" }, "\0")
end


-- Endpoints with what they must not get: lacks_feature, a set, and is_forbidden, by the pool's data policy. The document
-- with has_lacks: does any lack something; has_standby: is any asleep; and forbidden: names, as text.
function _M.prepare_endpoints(doc)
  local forbidden = {}
  doc.has_lacks, doc.has_standby = false, false
  for _, endpoint in ipairs(doc.endpoints) do
    endpoint.lacks_feature = set_of(endpoint.lacks)
    endpoint.is_forbidden = endpoint.mode == "Forbidden"
    forbidden[#forbidden + 1] = endpoint.is_forbidden and endpoint.name or nil
    doc.has_lacks = doc.has_lacks or #endpoint.lacks > 0
    doc.has_standby = doc.has_standby or standby.comes(endpoint.mode)
  end
  doc.forbidden = concat(forbidden, " ")
end


-- The endpoint's route for the request's model; nil when it does not serve the model on this surface, the pool's data policy
-- forbids it, or the request is barred from it.
function _M.of(request, endpoint)
  local barred = request.barred
  if endpoint.is_forbidden or barred and barred[endpoint.name] then
    return nil
  end
  return endpoint.places[request.surface.name] and endpoint.routes[request.model]
end


-- From which endpoints a request is barred: name -> why ("client", or the feature it lacks); nil when from none. client: its
-- allowed is a set of names, or nil when it may use all. features: what the request asks for.
function _M.barred(endpoints, client, features)
  local barred
  for i = 1, #endpoints do
    local endpoint = endpoints[i]
    local why = client.allowed and not client.allowed[endpoint.name] and "client" or nil
    for j = 1, why and 0 or #features do
      why = endpoint.lacks_feature[features[j]] and features[j] or why
    end
    if why then
      barred = barred or {}
      barred[endpoint.name] = why
    end
  end
  return barred
end


-- Why no endpoint is left for the request, if it is barred from every one that serves its model on this surface: a feature,
-- else "client" where the client may use none, else "policy"; nil: one is left, or none serves the model.
function _M.bar(request)
  local found
  for _, endpoint in ipairs(request.doc.endpoints) do
    if endpoint.places[request.surface.name] and endpoint.routes[request.model] then
      local why = endpoint.is_forbidden and "policy" or request.barred and request.barred[endpoint.name]
      if not why then
        return nil
      end
      if not found or (BAR_RANK[why] or 0) < (BAR_RANK[found] or 0) then
        found = why
      end
    end
  end
  return found
end


-- What a newer document says to requests in flight, which began by an older one: from now on the data policy forbids these
-- endpoints to them, too; and a cold standby is awake, or asleep again.
function _M.renew(older, doc)
  local now = {}
  for _, endpoint in ipairs(doc.endpoints) do
    now[endpoint.name] = endpoint
  end
  for _, endpoint in ipairs(older.endpoints) do
    local newer = now[endpoint.name]
    endpoint.is_forbidden = endpoint.is_forbidden or newer ~= nil and newer.is_forbidden
    if newer and newer.id == endpoint.id and standby.concerns(endpoint.mode, newer.mode) then
      endpoint.mode, endpoint.woke_ms = newer.mode, newer.woke_ms
    end
  end
end


return _M
