-- The tiers that this router stays on under failback Manual, one a model: core/balancing/failback_hold.lua over shared
-- memory.

local health_records = require "nginx.endpoint.health_records"
local breakers = require "nginx.endpoint.breakers"
local failback_hold = require "core.balancing.failback_hold"
local key_choice = require "nginx.balancing.key_choice"
local route_of = require("core.request.route").of
local state = require "nginx.shared.state"

local _M = {}

local PREFIX = "hold:"


-- Out of service, and not only in backoff or full.
local function is_out(endpoint, route, now_ms)
  return not key_choice.is_in_service(endpoint, now_ms)
    or breakers.record(route.circuit).state ~= "Closed" or health_records.is_failing(endpoint)
end


-- The first tier that is meant to serve such a request, and the first that has an endpoint which is not out.
local function first_tiers(request, now_ms)
  local first
  for i = 1, #request.doc.endpoints do
    local endpoint = request.doc.endpoints[i]
    local route = route_of(request, endpoint)
    if route and endpoint.mode == "Active" and endpoint.weight_now > 0 then
      first = first or endpoint.tier
      if not is_out(endpoint, route, now_ms) then
        return first, endpoint.tier
      end
    end
  end
  return first
end


-- The held tier of a model, or nil.
function _M.tier(doc, model)
  local failback = doc.policy.failback
  return failback_hold.tier(state.read(PREFIX .. model, failback_hold.new), failback.told_at, failback.held_tiers[model])
end


-- Checks whether all upper tiers are out, and if so holds the tier that serves. Gives the held tier, or nil.
function _M.look(request, now_ms)
  local model, token = request.model, request.doc.policy.failback.told_at
  local held = _M.tier(request.doc, model)
  local first, first_well = first_tiers(request, now_ms)
  if not first or not first_well or first_well <= math.max(first, held or first) then
    return held
  end
  state.update(PREFIX .. model, failback_hold.new, function(record)
    return failback_hold.step(record, failback_hold.tier(record, token), first, first_well, token)
  end)
  return first_well
end


return _M
