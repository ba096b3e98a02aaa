-- Which endpoint a conversation belongs to: rendezvous hashing with bounded load, among those that may be used anyway.
--
-- Every router finds the same endpoint for a new conversation without asking another one, and when an endpoint comes or
-- goes only its own conversations move. A conversation that is remembered stays at its place, because that is where the
-- provider's prefix cache is warm. Neither counts against an endpoint that is crowded: one that has more than its fair
-- part of what the tier has in flight, and more than half of what it may have.
--
-- A place that is out does not lose its conversations: others answer them meanwhile, the same one on every router, and then
-- they return. Routers know nothing of each other's memories: would each keep a conversation where it answered it last,
-- those not asked during the outage would go on with the old place, and it would change places with every router.

local bit = require "bit"
local weight = require "core.balancing.weight"

local bor, bxor, lshift, rshift, tobit = bit.bor, bit.bxor, bit.lshift, bit.rshift, bit.tobit
local byte = string.byte
local log = math.log
local max = math.max

local _M = {}

local FAIR = 1.25 -- of the tier's mean load
local ROOMY = 0.5 -- of its own connections: below that nobody is crowded
local WORDS = 4294967296 -- 2^32


-- Jenkins' integer mix in shifts and adds: a multiplication of 32 bits would not be exact in a double.
local function mix(a)
  a = tobit(tobit(a + 0x7ed55d16) + lshift(a, 12))
  a = bxor(bxor(a, 0xc761c23c), rshift(a, 19))
  a = tobit(tobit(a + 0x165667b1) + lshift(a, 5))
  a = bxor(tobit(a + 0xd3a2646c), lshift(a, 9))
  a = tobit(tobit(a + 0xfd7046c5) + lshift(a, 3))
  return bxor(bxor(a, 0xb55a4f09), rshift(a, 16))
end


-- What an endpoint's name adds to every hash: the same on all routers.
function _M.seed(name)
  local seed = #name
  for i = 1, #name do
    seed = mix(bxor(seed, byte(name, i)))
  end
  return seed
end


-- Highest wins; over many conversations each candidate wins its weight's share.
local function score(number, candidate)
  local hash = mix(mix(bxor(tobit(number), candidate.seed)))
  local unit = ((hash % WORDS) + 0.5) / WORDS
  return candidate.weight / -log(unit)
end

_M.score = score


local function mean_load(candidates)
  local in_flight, room = 0, 0
  for i = 1, #candidates do
    in_flight = in_flight + candidates[i].in_flight
    room = room + candidates[i].max_connections
  end
  return room > 0 and in_flight / room or 0
end


-- conversation: number (32 bits of its hash), home (the name of the endpoint that is its place, or nil). The index of
-- its candidate, or nil when all of them are crowded.
function _M.choose(candidates, conversation, context)
  local limit = max(ROOMY, FAIR * mean_load(candidates))
  local best, best_score
  for i = 1, #candidates do
    local candidate = candidates[i]
    local mine = limit * weight.ramp(candidate.ramp_since_ms, context.slow_start_ms, context.now_ms)
    if weight.load(candidate.in_flight, candidate.max_connections) < mine then
      if candidate.name == conversation.home then
        return i
      end
      local value = score(conversation.number, candidate)
      if not best or value > best_score then
        best, best_score = i, value
      end
    end
  end
  return best
end


local function is_among(candidates, name)
  for i = 1, #candidates do
    if candidates[i].name == name then
      return candidates[i]
    end
  end
end


-- Whose it is by the hash alone, of the first tier.
local function owner(declared, conversation)
  local best, best_score
  for i = 1, #declared do
    local candidate = declared[i]
    local value = score(conversation.number, candidate)
    if not best or candidate.tier < best.tier or candidate.tier == best.tier and value > best_score then
      best, best_score = candidate, value
    end
  end
  return best
end


-- Did it have to move because its place has too much to do? One that has just recovered is no such place: it is spared.
local function is_crowded_out(place, chosen, candidates, context)
  local present = place.tier == chosen.tier and is_among(candidates, place.name)
  return present and weight.ramp(present.ramp_since_ms, context.slow_start_ms, context.now_ms) == 1
    and weight.load(present.in_flight, present.max_connections) >= max(ROOMY, FAIR * mean_load(candidates))
end


-- The name of the conversation's place from now on, if the chosen candidate answers it. declared: what is in service for
-- such a request, whether or not it may be used now.
function _M.place(conversation, chosen, candidates, declared, context)
  local place = conversation.home and is_among(declared, conversation.home) or owner(declared, conversation)
  if not place or is_crowded_out(place, chosen, candidates, context) then
    return chosen.name
  end
  return place.name
end


-- 32 bits from the first bytes of a hash
function _M.number(hash)
  local a, b, c, d = byte(hash, 1, 4)
  return bor(lshift(a, 24), lshift(b, 16), lshift(c, 8), d)
end


return _M
