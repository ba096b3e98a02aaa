-- What changes with the time and the date: each endpoint's weight, by its schedule and, where the policy asks for it, by
-- its price in relation to the cheapest of its tier in the same currency; and its price. Windows are of whole minutes, so
-- a look a minute is exact.

local calendar = require "core.document.calendar"
local cost = require "core.document.cost"
local dates = require "core.document.dates"

local floor = math.floor
local max = math.max
local min = math.min

local _M = {}

local DEAREST = 0.05 -- however expensive, an endpoint keeps this part of its weight: a price must not stop answers


-- Makes a document ready. Gives false when nothing in it ever changes.
function _M.prepare(doc)
  local zones, changes = {}, doc.policy.balancing.price_weight_percent > 0
  for _, zone in ipairs(doc.time_zones) do
    zones[zone.name] = zone.offsets
  end
  local calendars = {}
  for _, one in ipairs(doc.calendars or {}) do
    calendars[one.name] = dates.set(one.spans)
  end
  local function windows(said)
    local found = {}
    for i, window in ipairs(said) do
      found[i] = calendar.window(window, zones, calendars)
      changes = true
    end
    return found
  end
  for _, endpoint in ipairs(doc.endpoints) do
    endpoint.weight_now, endpoint.price_percent = endpoint.weight, 100
    endpoint.windows = windows(endpoint.schedule)
    if endpoint.pricing then
      local said = endpoint.pricing
      endpoint.pricing = cost.pricing(said)
      endpoint.pricing.windows = windows(said.windows)
    end
  end
  return changes
end


local function group_of(endpoint)
  return endpoint.tier .. endpoint.pricing.currency
end


local function cheapest_of(doc)
  local cheapest = {}
  for _, endpoint in ipairs(doc.endpoints) do
    if endpoint.pricing then
      local group = group_of(endpoint)
      cheapest[group] = min(cheapest[group] or math.huge, cost.level(endpoint.pricing, endpoint.price_percent))
    end
  end
  return cheapest
end


-- From 1 for the cheapest down to the influence that the policy gives the price.
local function price_factor(endpoint, cheapest, price_weight_percent)
  if not endpoint.pricing or price_weight_percent == 0 then
    return 1
  end
  local level = cost.level(endpoint.pricing, endpoint.price_percent)
  local ratio = level > 0 and cheapest[group_of(endpoint)] / level or 1
  return max(DEAREST, 1 - price_weight_percent / 100 * (1 - ratio))
end


-- Sets weight_now and price_percent of every endpoint, when a new minute has begun.
function _M.refresh(doc, now_ms)
  local minute = floor(now_ms / 60000)
  if doc.tariff_minute == minute then
    return
  end
  doc.tariff_minute = minute
  for _, endpoint in ipairs(doc.endpoints) do
    if endpoint.pricing then
      endpoint.price_percent = calendar.percent(endpoint.pricing.windows, minute * 60)
    end
  end
  local cheapest = cheapest_of(doc)
  for _, endpoint in ipairs(doc.endpoints) do
    endpoint.weight_now = endpoint.weight * calendar.percent(endpoint.windows, minute * 60) / 100
      * price_factor(endpoint, cheapest, doc.policy.balancing.price_weight_percent)
    endpoint.candidate.weight = endpoint.weight_now
  end
end


return _M
