-- Why an endpoint is excluded from a choice: every word that `x-poolkeeper-debug` and `poolkeeper explain --why` use, with
-- its meaning, in one table. A note is {word, because}; because: what was seen, such as a failure class.

local _M = {}


-- In the order in which the router looks. {word, meaning}
_M.WORDS = {
  { "ModelNotServed", "it does not serve the model on this API" },
  { "ClientNotAllowed", "the client may not use it" },
  { "FeatureLacking", "it lacks what the request carries" },
  { "AlreadyTried", "it was asked for this request already" },
  { "AnotherTier", "it may be used, but the turn is another tier's" },
  { "Draining", "its mode is Draining" },
  { "Disabled", "its mode is Disabled" },
  { "Forbidden", "the pool's data policy forbids it" },
  { "Asleep", "it is a cold standby without replicas" },
  { "Waking", "it is a cold standby, and none of its Pods is ready yet" },
  { "ScaledToZero", "it is a cold standby without replicas, and nobody wakes it" },
  { "Drained", "its weight is 0" },
  { "OffSchedule", "its schedule gives it no weight now" },
  { "CapabilityMissing", "it lacks the capability that this attempt needs" },
  { "SecretNotFound", "its API key is missing" },
  { "OutOfService", "its API key was refused, or its balance is spent" },
  { "RequestRefused", "it has just refused this very request" },
  { "ModelMissing", "it has answered that it does not have the model" },
  { "Backoff", "it has a backoff" },
  { "BreakerOpen", "its breaker is open" },
  { "BreakerHalfOpen", "its breaker is half-open, and all half-open requests are on their way" },
  { "ConnectionLimit", "it has no free connection" },
  { "QueuedBefore", "its next free connection is for a request that has waited longer" },
  { "HealthCheckFailed", "it fails its health checks, and another endpoint does not" },
  { "GreyFailure", "probes found it bad, and another endpoint is not" },
  { "FeatureRefused", "it has refused such a request before, and another endpoint has not" },
}

_M.MEANING = {}
for _, row in ipairs(_M.WORDS) do
  _M.MEANING[row[1]] = row[2]
end


-- Of an endpoint that is no candidate whatever its state: the request is barred from it, it was tried, or this attempt stays
-- in another tier.
function _M.not_asked(request, endpoint, has_route)
  local bar = request.barred and request.barred[endpoint.name]
  if endpoint.is_forbidden then
    return { "Forbidden" }
  end
  if bar then
    return bar == "client" and { "ClientNotAllowed" } or { "FeatureLacking", bar }
  end
  if not has_route then
    return { "ModelNotServed" }
  end
  local failed = request.excluded[endpoint.name]
  return failed and { "AlreadyTried", failed } or { "AnotherTier" }
end


-- Notes what a step has left out of the candidates: those of before that are not in after.
function _M.note_left_out(notes, before, after, word)
  local kept = {}
  for i = 1, #after do
    kept[after[i].name] = true
  end
  for i = 1, #before do
    local advice = before[i].endpoint.advice
    if not kept[before[i].name] then
      notes[before[i].name] = { word, word == "GreyFailure" and advice and advice.reason or nil }
    end
  end
end


return _M
