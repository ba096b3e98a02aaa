-- What a pool still has for a request: which endpoints have its model, in which tiers, and whether all of them are
-- limited.

local backoff = require "core.health.backoff"
local backoffs = require "nginx.endpoint.backoffs"
local key_choice = require "nginx.balancing.key_choice"
local route_of = require("core.request.route").of
local usable = require "nginx.balancing.candidates"

local _M = {}

local NEVER_MS = usable.NEVER_MS


-- Is there an endpoint that has the model on this surface, as far as is known, whether or not it may be used now?
function _M.is_offered(request, now_ms)
  for _, endpoint in ipairs(request.doc.endpoints) do
    if route_of(request, endpoint)
        and not backoff.is_missing(backoffs.record(endpoint), request.asked, now_ms) then
      return true
    end
  end
  return false
end


-- Is every endpoint that could serve the request one of these?
function _M.are_only(request, names)
  for _, endpoint in ipairs(request.doc.endpoints) do
    if route_of(request, endpoint) and not names[endpoint.name] then
      return false
    end
  end
  return true
end


-- From the i-th endpoint on. (Most pools end it in the first turn or the second: LuaJIT compiles no such loop.)
local function has_another_from(i, request, than, now_ms)
  local endpoint = request.doc.endpoints[i]
  if not endpoint then
    return false
  end
  local route = endpoint ~= than and route_of(request, endpoint)
  if route and not request.excluded[endpoint.name] and usable.may_be(request, endpoint, route, now_ms) then
    return true
  end
  return has_another_from(i + 1, request, than, now_ms)
end


-- Is there another endpoint that this request could be sent to now?
function _M.has_another(request, than, now_ms)
  return has_another_from(1, request, than, now_ms)
end


-- How many other tiers have an endpoint that this request may still be sent to.
function _M.other_tiers(request, tier, now_ms)
  local seen, count = { [tier] = true }, 0
  for _, endpoint in ipairs(request.doc.endpoints) do
    local route = route_of(request, endpoint)
    if route and not seen[endpoint.tier] and not request.excluded[endpoint.name]
        and usable.may_be(request, endpoint, route, now_ms) then
      seen[endpoint.tier], count = true, count + 1
    end
  end
  return count
end


-- When the first endpoint gets requests again, those that this one has tried included; math.huge: nobody knows.
function _M.back_at_ms(request, now_ms)
  local first = NEVER_MS
  for _, endpoint in ipairs(request.doc.endpoints) do
    local route = route_of(request, endpoint)
    if route then
      local is_usable, at_ms = usable.may_be(request, endpoint, route, now_ms)
      first = math.min(first, is_usable and now_ms or at_ms)
    end
  end
  return first
end


-- When the first is back, if every endpoint that could serve the request has said that its rate is limited, to this one or
-- to one just before; nil: not every one has.
function _M.limited_until_ms(request, now_ms)
  local first
  for _, endpoint in ipairs(request.doc.endpoints) do
    if route_of(request, endpoint) and endpoint.mode == "Active"
        and endpoint.weight_now > 0 then
      if request.excluded[endpoint.name] ~= "RateLimited"
          and key_choice.backoff_reason(endpoint, request.model, now_ms) ~= "RateLimited" then
        return nil
      end
      first = math.min(first or NEVER_MS, math.max(now_ms, key_choice.retry_at_ms(endpoint, request.model, now_ms)))
    end
  end
  return first
end


return _M
