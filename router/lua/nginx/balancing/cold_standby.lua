-- Requests that wait for a cold standby (core/request/cold_standby.lua), within tierWait.

local outcome = require "core.error.outcome"
local route_of = require("core.request.route").of
local standby = require "core.request.cold_standby"
local state = require "nginx.shared.state"
local usable = require "nginx.balancing.candidates"

local _M = {}

local AWAITED, AWAITED_S = "awaited:", 3 -- a request that waits notes it every LOOK_MS


-- A cold standby of a better tier than the candidate's that is worth what the request has left of tierWait; nil: none.
function _M.awaited(request, now_ms, candidate)
  if not request.doc.has_standby or request.tier_wait_ms <= 0 then
    return nil
  end
  local known = {}
  for _, endpoint in ipairs(request.doc.endpoints) do
    local route = route_of(request, endpoint)
    if route then
      known[#known + 1] = { name = endpoint.name, tier = endpoint.tier, mode = endpoint.mode,
                            serves = (usable.serves(request, endpoint, route, now_ms)) }
    end
  end
  return standby.awaited(known, candidate and candidate.tier)
end


-- A request waits for it: it may have tried all others in vain, so that no attempt is left that would find one back.
function _M.note_awaited(request, name)
  for _, endpoint in ipairs(request.doc.endpoints) do
    if endpoint.name == name then
      state.note(AWAITED .. endpoint.id, 1, AWAITED_S)
    end
  end
end


-- Does a request wait for the endpoint now?
function _M.is_awaited(endpoint)
  return state.noted(AWAITED .. endpoint.id) ~= nil
end


-- While a request waits, an endpoint may be back that it was refused by: it is asked once more, if an attempt is left for
-- the one that it waits for.
function _M.forgive(request, now_ms)
  if request.attempts - request.key_faults + 1 >= request.doc.policy.retry.max_attempts then
    return
  end
  for _, endpoint in ipairs(request.doc.endpoints) do
    local failed = request.excluded[endpoint.name]
    local route = failed and outcome.has_rest(failed) and route_of(request, endpoint)
    if route and usable.may_be(request, endpoint, route, now_ms) then
      request.excluded[endpoint.name] = nil
    end
  end
end


return _M
