-- A request's way to an endpoint. The only place that decides whether there is one, so that no retry, hedge, continuation or
-- fallback model goes where the caller's requests, or this one, must not go.

local concat = table.concat

local _M = {}


function _M.set_of(names)
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
  client.may_ask = models and _M.set_of(models)
  client.allowed = endpoints and _M.set_of(endpoints)
  client.cache_owner = client.name .. "\0" .. concat(endpoints or { "*" }, "\0")
end


-- The endpoint's route for the request's model; nil when it does not serve the model on this surface, or the request is
-- barred from it.
function _M.of(request, endpoint)
  local barred = request.barred
  if barred and barred[endpoint.name] then
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


-- Why no endpoint is left for the request, if it is barred from every one that serves its model on this surface: "client"
-- where the client may use none, else a feature; nil: one is left, or none serves the model.
function _M.bar(request)
  local found
  for _, endpoint in ipairs(request.doc.endpoints) do
    if endpoint.places[request.surface.name] and endpoint.routes[request.model] then
      local why = request.barred and request.barred[endpoint.name]
      if not why then
        return nil
      end
      found = (found == nil or why ~= "client") and why or found
    end
  end
  return found
end


return _M
