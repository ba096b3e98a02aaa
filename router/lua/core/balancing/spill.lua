-- How the traffic is shared among tiers under tiers.spill Proportional: as the tier above loses healthy capacity, the next
-- one gets its share before all is gone.
--
-- A tier takes all that reaches it while 1.4 times its healthy part is at least one, so losing two of seven endpoints
-- moves nothing; from there on what it cannot take goes down, and when all tiers together are not enough, they share in
-- proportion to what they have. (The rule and the number are Envoy's for priorities.)

local min = math.min

local _M = {}

local OVERPROVISIONING = 1.4


-- tiers: [{tier, healthy, total}] in order of use, capacities in connections. The part of each, which add up to one; nil
-- when nothing is healthy.
function _M.shares(tiers)
  local abilities, sum = {}, 0
  for i = 1, #tiers do
    local one = tiers[i]
    abilities[i] = one.total > 0 and min(1, OVERPROVISIONING * one.healthy / one.total) or 0
    sum = sum + abilities[i]
  end
  if sum == 0 then
    return nil
  end
  local scale, left = min(1, sum), 1
  for i = 1, #abilities do
    abilities[i] = min(left, abilities[i] / scale)
    left = left - abilities[i]
  end
  return abilities
end


-- The tier for a point in [0, 1); nil when nothing is healthy.
function _M.draw(tiers, point)
  local shares, last = _M.shares(tiers), nil
  for i = 1, shares and #shares or 0 do
    if shares[i] > 0 then
      last = tiers[i].tier
      point = point - shares[i]
      if point < 0 then
        return last
      end
    end
  end
  return last
end


-- Adds an endpoint's capacity to its tier's. Endpoints come in order of their tiers.
function _M.add(tiers, tier, capacity, is_healthy)
  local one = tiers[#tiers]
  if not one or one.tier ~= tier then
    one = { tier = tier, healthy = 0, total = 0 }
    tiers[#tiers + 1] = one
  end
  one.total = one.total + capacity
  one.healthy = one.healthy + (is_healthy and capacity or 0)
end


return _M
