-- Which endpoint gets the next attempt: first the tier, then one of it by the pool's strategy.
--
-- A strategy is a function (candidates, context) -> index. Every candidate may be used and has a free connection. Other
-- endpoints never get here, so no strategy can overrule a breaker or a connection limit.

local affinity = require "core.balancing.affinity"
local weight = require "core.balancing.weight"

local _M = {}


-- Draws by weight. All weights zero (every endpoint nearly full) is still a choice among equals.
local function draw(weights, total, random)
  if total <= 0 then
    return math.floor(random * #weights) + 1
  end
  local point = random * total
  for i = 1, #weights do
    point = point - weights[i]
    if point < 0 then
      return i
    end
  end
  return #weights
end


local function weigh(candidates, context)
  local weights, total = {}, 0
  for i = 1, #candidates do
    local value = weight.dynamic(candidates[i], context.slow_start_ms, context.now_ms)
    weights[i] = value
    total = total + value
  end
  return weights, total
end


local function dynamic(candidates, context)
  local weights, total = weigh(candidates, context)
  return draw(weights, total, context.random())
end


-- Two draws by weight, the less loaded of the two wins: nearly as good as looking at all, and herds do not form.
local function power_of_two(candidates, context)
  local weights, total = weigh(candidates, context)
  local first = draw(weights, total, context.random())
  total = total - weights[first]
  weights[first] = 0
  if total <= 0 then
    return first
  end
  local second = draw(weights, total, context.random())
  local one, other = candidates[first], candidates[second]
  if weight.load(other.in_flight, other.max_connections) < weight.load(one.in_flight, one.max_connections) then
    return second
  end
  return first
end


-- Around by weight, evenly spread: everybody earns its weight each turn, the richest pays for all.
local function round_robin(candidates)
  local best, total = 1, 0
  for i = 1, #candidates do
    local candidate = candidates[i]
    candidate.credit = (candidate.credit or 0) + candidate.weight
    total = total + candidate.weight
    if candidate.credit > candidates[best].credit then
      best = i
    end
  end
  candidates[best].credit = candidates[best].credit - total
  return best
end


_M.ONLY = "OnlyCandidate"
_M.STRATEGIES = { Dynamic = dynamic, PowerOfTwo = power_of_two, RoundRobin = round_robin }


local function is_settled(candidate, context)
  return candidate.recovered_at_ms == 0 or context.now_ms - candidate.recovered_at_ms >= context.stabilization_ms
end


-- The position of a candidate's tier in the order. The tier that Proportional has drawn comes first, except for half-open
-- requests to tiers above it, because they show recovery. Tiers above a held one come after all others (except for
-- half-open requests, where the router itself holds). A tier that has only just recovered waits for stabilization while
-- another can serve.
function _M.rank(candidate, context)
  local rank = candidate.tier
  if context.drawn_tier and (rank == context.drawn_tier or candidate.is_half_open and rank < context.drawn_tier) then
    rank = rank - 10000
  end
  local may_go_up = candidate.is_half_open and context.lets_half_open_up
  if context.held_tier and candidate.tier < context.held_tier and not may_go_up then
    rank = rank + 100
  end
  if not candidate.is_half_open and not is_settled(candidate, context) then
    rank = rank + 1000
  end
  return rank
end


-- The candidates of the tier whose turn it is.
function _M.tier(candidates, context)
  local best, best_rank
  for i = 1, #candidates do
    local candidate = candidates[i]
    local rank = _M.rank(candidate, context)
    if not best_rank or rank < best_rank then
      best, best_rank = candidate.tier, rank
    end
  end
  local of_tier = {}
  for i = 1, #candidates do
    if candidates[i].tier == best then
      of_tier[#of_tier + 1] = candidates[i]
    end
  end
  return of_tier
end


-- candidates: those that may be used and have room. context: algorithm, now_ms, random() -> [0, 1), slow_start_ms,
-- stabilization_ms, held_tier and lets_half_open_up, drawn_tier, conversation (core/balancing/affinity.lua). The chosen
-- candidate, or nil when there is none; and what decided: the strategy, Affinity, or OnlyCandidate.
function _M.decide(candidates, context)
  if #candidates <= 1 then
    return candidates[1], _M.ONLY
  end
  local of_tier = _M.tier(candidates, context)
  if #of_tier == 1 then
    return of_tier[1], _M.ONLY
  end
  local belongs = context.conversation and affinity.choose(of_tier, context.conversation, context)
  if belongs then
    return of_tier[belongs], "Affinity"
  end
  return of_tier[_M.STRATEGIES[context.algorithm](of_tier, context)], context.algorithm
end


-- Only the chosen candidate.
function _M.choose(candidates, context)
  return (_M.decide(candidates, context))
end


return _M
