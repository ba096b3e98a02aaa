-- Which endpoint an attempt goes to. Gathers what is known of each endpoint, lets core/balancing/pick.lua choose among
-- the candidates, and takes a slot and, while the breaker is half-open, a lease. A request that loses a race for the last
-- slot chooses again without that endpoint.

local affinity = require "core.balancing.affinity"
local health_records = require "nginx.endpoint.health_records"
local asked_form = require "nginx.balancing.asked_form"
local breakers = require "nginx.endpoint.breakers"
local failback_holds = require "nginx.balancing.failback_holds"
local choice_report = require "core.balancing.choice_report"
local credentials = require "nginx.endpoint.credentials"
local outcome = require "core.error.outcome"
local pick = require "core.balancing.pick"
local backoffs = require "nginx.endpoint.backoffs"
local route_of = require("core.request.route").of
local spill = require "core.balancing.spill"
local gather = require("nginx.balancing.gathering").gather
local in_flight = require "nginx.endpoint.in_flight"
local key_choice = require "nginx.balancing.key_choice"
local usable = require "nginx.balancing.candidates"
local cold_standby = require "nginx.balancing.cold_standby"
local weight = require "core.balancing.weight"

local math = math
local may_be, fill, serves = usable.may_be, usable.fill, usable.serves

local _M = {}

local NEVER_MS = usable.NEVER_MS

local context = { random = math.random } -- one at a time: nothing here waits


-- The tier whose turn it is under spill Proportional, by how much of each is well; nil when none is.
local function drawn_tier(request, now_ms)
  local tiers, stabilization_ms = {}, request.doc.policy.failback.stabilization_ms
  for _, endpoint in ipairs(request.doc.endpoints) do
    local route = route_of(request, endpoint)
    if route and endpoint.mode == "Active" and endpoint.weight_now > 0 and endpoint.tier >= (context.held_tier or 0) then
      local is_well, circuit_record = serves(request, endpoint, route, now_ms)
      local is_healthy = is_well
        and (circuit_record.era == 0 or now_ms - circuit_record.since_ms >= stabilization_ms)
      spill.add(tiers, endpoint.tier, endpoint.max_connections, is_healthy)
    end
  end
  return spill.draw(tiers, math.random())
end


-- What a choice is made by. Only a request's first attempt is drawn among tiers; a further one goes to the first that can.
local function prepare(request, now_ms)
  local doc = request.doc
  local policy = doc.policy
  context.algorithm = policy.balancing.algorithm
  context.slow_start_ms = policy.balancing.slow_start_ms
  context.stabilization_ms = policy.failback.stabilization_ms
  context.now_ms = now_ms
  context.held_tier, context.lets_half_open_up = doc.failover_to_tier, false
  if policy.failback.is_manual and not context.held_tier then
    context.held_tier, context.lets_half_open_up = failback_holds.look(request, now_ms), true
  end
  context.drawn_tier = policy.tiers.is_proportional and request.attempts == 0 and drawn_tier(request, now_ms) or nil
  context.conversation = request.conversation
end


-- An attempt on a chosen endpoint that holds its slot (and lease); nil when another request was faster. What few attempts
-- have is no member of the others: one with more than 32 would need a second, larger table.
local function take(request, endpoint, max_connections, now_ms)
  local keyed = key_choice.of(request, endpoint, now_ms)
  if not keyed or not in_flight.acquire(endpoint.id, max_connections) then
    return nil
  end
  local route = endpoint.routes[request.model]
  local assembles = asked_form.is_assembled(request, endpoint)
  local attempt = {
    endpoint = endpoint, keyed = keyed, route = route, circuit = route.circuit, policy = endpoint.policy,
    model = request.model, asked = request.asked, started_ms = now_ms,
    key_version = credentials.of(keyed).version, asking = request.parsed, is_stream = request.parsed.stream or assembles,
    holds_slot = true, counted_era = -1, first_content_ms = 0, is_sent = false, waits_in = false,
    client = request.client, surface = request.surface, account = request.account,
  }
  if assembles then
    attempt.assembles = true
  end
  if request.conversation then
    attempt.conversation = request.conversation
  end
  if request.is_last_resort then
    attempt.is_last_resort = true
  end
  if request.refused_before then
    attempt.refused_before = request.refused_before
  end
  if not backoffs.admit(attempt, now_ms) or not breakers.admit(attempt, now_ms) then
    in_flight.release(endpoint.id)
    return nil
  end
  if keyed ~= endpoint then
    in_flight.acquire(keyed.id, NEVER_MS) -- counted, so that the load spreads over the keys
  end
  return attempt
end


-- Of the endpoints with a known time of return that could then serve the request, the first to return: {name, until_ms}
-- or nil. rather_than: only those whose turn is before this candidate's.
local function first_back(request, now_ms, rather_than)
  local name, until_ms = nil, NEVER_MS
  local endpoints = request.doc.endpoints
  local rank = rather_than and pick.rank(rather_than, context)
  for i = 1, #endpoints do
    local endpoint = endpoints[i]
    local route = route_of(request, endpoint)
    local failed = request.excluded[endpoint.name]
    local at_ms = route and (not failed or outcome.may_return(failed))
      and key_choice.said_until_ms(endpoint, request.model, now_ms)
    if at_ms and at_ms < until_ms then
      local is_usable, _, record, circuit_record = may_be(request, endpoint, route, at_ms)
      if is_usable and not health_records.is_failing(endpoint) then
        fill(endpoint, request.model, record, circuit_record, now_ms)
        if not rank or pick.rank(endpoint.candidate, context) < rank then
          name, until_ms = endpoint.name, at_ms
        end
      end
    end
  end
  return name and { name = name, until_ms = until_ms }
end


-- A better tier that is worth the wait: back within what the request has left of tierWait, and of its time.
local function tier_back(request, now_ms, candidate)
  local back = first_back(request, now_ms, candidate)
  if back and back.until_ms - now_ms <= request.tier_wait_ms and back.until_ms < request.deadline_ms then
    return back
  end
end


local function first_of(list, count)
  local copy = {}
  for i = 1, count do
    copy[i] = list[i]
  end
  return copy
end


-- The place of the request's conversation if the candidate answers it.
local function place_of(request, candidate, candidates)
  if request.conversation.home == candidate.name then
    return candidate.name
  end
  local declared = {}
  for _, endpoint in ipairs(request.doc.endpoints) do
    if endpoint.mode == "Active" and endpoint.weight_now > 0 and route_of(request, endpoint) then
      declared[#declared + 1] = endpoint.candidate
    end
  end
  return affinity.place(request.conversation, candidate, candidates, declared, context)
end


-- As gather; where nothing is left, with those that are used as a last resort.
local function gather_to_the_last(request, now_ms, raced, notes)
  request.is_last_resort = false
  local candidates, full_ones, full, retry_at_ms = gather(request, now_ms, raced, notes)
  if full == 0 and not candidates[1] and usable.is_last_resort(request, now_ms) then
    request.is_last_resort = true
    return gather(request, now_ms, raced, notes)
  end
  return candidates, full_ones, full, retry_at_ms
end


-- An attempt, or nil and why none can be made now: {full, wanted, retry_at_ms, back, tier_back}. wanted: the endpoints
-- that are full; back: the endpoint with the earliest known return; tier_back: an endpoint to wait for instead of using a
-- lower tier, which then gets no request; asleep: a cold standby to wait for likewise, whose time nobody knows. raced:
-- endpoints whose last slot another request has just taken.
function _M.next(request, now_ms, raced)
  local notes = request.is_explained and {} or nil
  local candidates, full_ones, full, retry_at_ms = gather_to_the_last(request, now_ms, raced, notes)
  prepare(request, now_ms)
  local candidate, by = pick.decide(candidates, context)
  local better = request.tier_wait_ms > 0 and tier_back(request, now_ms, candidate)
  local asleep = not better and (candidate or full == 0) and cold_standby.awaited(request, now_ms, candidate)
    or nil
  if notes then
    local chosen = not better and not asleep and candidate or nil
    local keys = key_choice.left_out(request, now_ms)
    request.choice = { chosen = chosen and chosen.name, by = (better or asleep) and "TierWait" or chosen and by,
                       rows = choice_report.of(request.doc.endpoints, notes, keys, candidates, context) }
  end
  if better or asleep or not candidate then
    return nil, { full = full, wanted = first_of(full_ones, full), back = first_back(request, now_ms),
                  retry_at_ms = retry_at_ms < NEVER_MS and retry_at_ms or nil, tier_back = better or nil, asleep = asleep }
  end
  local endpoint = candidate.endpoint
  local attempt = take(request, endpoint, candidate.max_connections, now_ms)
  if attempt then
    if notes then
      attempt.choice = request.choice
    end
    if request.conversation then
      attempt.belongs_to = place_of(request, candidate, candidates)
    end
    return attempt
  end
  raced = raced or {}
  raced[endpoint.name] = true
  return _M.next(request, now_ms, raced)
end


-- The present weight of an endpoint, and the lowest tier that can serve now: for /state.
function _M.weight_of(endpoint, now_ms)
  local record = backoffs.record(endpoint)
  local latest = { state = "Closed", since_ms = 0, era = 0 }
  for _, route in pairs(endpoint.routes) do
    local circuit_record = breakers.record(route.circuit)
    if circuit_record.since_ms > latest.since_ms then
      latest = circuit_record
    end
  end
  fill(endpoint, nil, record, latest, now_ms)
  return weight.dynamic(endpoint.candidate, endpoint.policy.balancing.slow_start_ms, now_ms)
end


-- A tier whose breakers let a few half-open requests through does not serve yet; otherwise the tier would flap with each
-- of them. A tier that passes its checks and only waits for a request does serve: otherwise a router without traffic
-- would never return to it.
local function without_half_open(candidates)
  local kept = {}
  for i = 1, #candidates do
    if not candidates[i].is_half_open or candidates[i].awaits_traffic then
      kept[#kept + 1] = candidates[i]
    end
  end
  return kept[1] and kept or candidates
end


-- The lowest tier that can serve a model now; nil when none can.
function _M.tier_of(doc, model, now_ms)
  local request = usable.anybodys(doc, model)
  local candidates = without_half_open(gather(request, now_ms))
  prepare(request, now_ms)
  local candidate = pick.tier(candidates, context)[1]
  return candidate and candidate.tier
end


-- The endpoints as a request would find them now (choice_report.lua); nothing is taken.
function _M.explain(request, now_ms)
  local notes = {}
  local candidates = gather_to_the_last(request, now_ms, nil, notes)
  prepare(request, now_ms)
  return choice_report.of(request.doc.endpoints, notes, key_choice.left_out(request, now_ms), candidates, context)
end


-- The lowest tier that can serve now, of any model, and the models that none can serve.
function _M.active_tier(doc, now_ms)
  local lowest
  local unserved = {}
  for _, model in ipairs(doc.models) do
    local tier = _M.tier_of(doc, model, now_ms)
    if not tier then
      unserved[#unserved + 1] = model
    elseif not lowest or tier < lowest then
      lowest = tier
    end
  end
  return lowest, unserved
end


return _M
