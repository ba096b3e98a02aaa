-- The endpoints that a request may go to now, with what is known of each; and why not to the others, where somebody wants to
-- know (core/balancing/exclusion.lua).

local check_state = require "core.health.check_state"
local exclusion = require "core.balancing.exclusion"
local feature_refusals = require "nginx.balancing.feature_refusals"
local probe_advice = require "core.balancing.probe_advice"
local queue_heads = require "nginx.balancing.queue_heads"
local route_of = require("core.request.route").of
local usable = require "nginx.balancing.candidates"

local math = math
local may_be, fill = usable.may_be, usable.fill

local _M = {}

local NEVER_MS = usable.NEVER_MS

-- One at a time: nothing here waits.
local candidates = {}
local full_ones = {} -- endpoints that could serve but have no room, or none for this request


-- Does the endpoint have a free connection, and for this request? Not if another request has waited for it longer; but a
-- request that continues a broken answer goes before all that wait. For the question which endpoints can serve, no
-- endpoint is full (ignores_load).
local function has_room(request, candidate, is_queued)
  return request.ignores_load or candidate.in_flight < candidate.max_connections
    and not (is_queued and not request.goes_first and queue_heads.is_before(request, candidate.endpoint))
end


-- What a step leaves of the candidates; notes: names what it has left out, where somebody wants to know.
local function narrow(kept, notes, word)
  if notes and kept ~= candidates then
    exclusion.note_left_out(notes, candidates, kept, word)
  end
  candidates = kept
end


local seen = {} -- by the gathering that goes on


-- Is the endpoint a candidate, full, or neither? Gives why not, where somebody wants to know. (On its own, because LuaJIT
-- makes no machine code of a loop that ends in its first turn, as that of a pool of one.)
local function look_at(endpoint, request, now_ms, raced, notes)
  local route = route_of(request, endpoint)
  if not route or request.excluded[endpoint.name] or request.only_tier and endpoint.tier ~= request.only_tier then
    return notes and exclusion.not_asked(request, endpoint, route)
  end
  local is_usable, at_ms, record, circuit_record = may_be(request, endpoint, route, now_ms)
  if not is_usable then
    seen.retry_at_ms = math.min(seen.retry_at_ms, at_ms)
    return notes and { record, circuit_record } -- why not
  end
  local is_raced = raced and raced[endpoint.name]
  if not is_raced
      and has_room(request, fill(endpoint, request.model, record, circuit_record, now_ms), seen.is_queued) then
    local candidate = endpoint.candidate
    seen.count = seen.count + 1
    candidates[seen.count] = candidate
    seen.some_out = seen.some_out or candidate.is_out
    seen.some_failing = seen.some_failing or candidate.is_failing
    return nil
  end
  seen.full = seen.full + 1
  full_ones[seen.full] = endpoint
  seen.well_full = seen.well_full or not endpoint.candidate.is_failing
  local has_slot = endpoint.candidate.in_flight < endpoint.candidate.max_connections
  return notes and { has_slot and not is_raced and "QueuedBefore" or "ConnectionLimit" }
end


-- Gives the candidates, the endpoints that are full and how many they are, and the soonest return of another. The lists are
-- good until the next call. raced: names of endpoints without room. notes: filled with why each other endpoint is excluded;
-- nil: nobody wants to know.
function _M.gather(request, now_ms, raced, notes)
  local endpoints = request.doc.endpoints
  seen.count, seen.full, seen.retry_at_ms = 0, 0, NEVER_MS
  seen.some_out, seen.some_failing, seen.well_full = false, false, false
  seen.is_queued = request.doc.policy.queue and queue_heads.is_anybody()
  for i = 1, #endpoints do
    local note = look_at(endpoints[i], request, now_ms, raced, notes)
    if notes then
      notes[endpoints[i].name] = note
    end
  end
  for i = seen.count + 1, #candidates do
    candidates[i] = nil
  end
  if seen.some_failing then
    narrow(check_state.leave_out(candidates, seen.well_full), notes, "HealthCheckFailed")
  end
  if seen.some_out then
    narrow(probe_advice.leave_out(candidates), notes, "GreyFailure")
  end
  narrow(feature_refusals.leave_out(candidates, request, now_ms), notes, "FeatureRefused")
  return candidates, full_ones, seen.full, seen.retry_at_ms
end


return _M
