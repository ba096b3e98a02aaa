local tariff = require "core.document.tariff"

local NOON_MS, ONE_MS = 12 * 3600000, 1 * 3600000 -- of the first of January 1970
local ZONES = { { name = "UTC", offsets = { { since_s = 0, offset_s = 0 } } } }
local DAYS = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" }

local function window(percent)
  return { days = DAYS, from_minute = 60, to_minute = 300, time_zone = "UTC", percent = percent }
end

local function priced(input, output, windows, currency)
  return { currency = currency or "USD", input_per_million = input, output_per_million = output, windows = windows or {} }
end

local function document(price_weight_percent, ...)
  local endpoints = {}
  for i, changes in ipairs({ ... }) do
    endpoints[i] = { tier = 0, weight = 100, schedule = {}, candidate = {} }
    for key, value in pairs(changes) do
      endpoints[i][key] = value
    end
  end
  return { time_zones = ZONES, endpoints = endpoints, policy = { balancing = { price_weight_percent = price_weight_percent } } }
end

local function weights(doc, now_ms)
  tariff.prepare(doc)
  tariff.refresh(doc, now_ms)
  local found = {}
  for i, endpoint in ipairs(doc.endpoints) do
    found[i] = endpoint.weight_now
  end
  return found
end

describe("weights by the time of the week", function()
  it("change with the schedule", function()
    local doc = document(0, { schedule = { window(200) } }, { schedule = { window(0) } }, {})
    assert.same({ 200, 0, 100 }, weights(doc, ONE_MS))
    tariff.refresh(doc, NOON_MS)
    assert.same({ 100, 100, 100 }, { doc.endpoints[1].weight_now, doc.endpoints[2].weight_now, doc.endpoints[3].weight_now })
    assert.equal(100, doc.endpoints[1].candidate.weight)
  end)

  it("are looked at only where something changes", function()
    assert.is_false(tariff.prepare(document(0, { pricing = priced("1", "2") }, {})))
    assert.is_true(tariff.prepare(document(0, { schedule = { window(50) } })))
    assert.is_true(tariff.prepare(document(0, { pricing = priced("1", "2", { window(50) }) })))
    assert.is_true(tariff.prepare(document(1, {})))
  end)
end)

describe("weights by price", function()
  local cheap, twice = { pricing = priced("1", "1") }, { pricing = priced("2", "2") }

  for _, case in ipairs({
    { "say nothing by default", 0, { cheap, twice }, { 100, 100 } },
    { "give one that costs twice as much half", 100, { cheap, twice }, { 100, 50 } },
    { "or what the policy lets them say", 50, { cheap, twice }, { 100, 75 } },
    { "leave one without a price alone", 100, { cheap, twice, {} }, { 100, 50, 100 } },
    { "compare within a tier", 100, { cheap, { tier = 1, pricing = priced("2", "2") } }, { 100, 100 } },
    { "compare within a currency", 100, { cheap, { pricing = priced("2", "2", nil, "CNY") } }, { 100, 100 } },
    { "count three tokens read for one written", 100, { cheap, { pricing = priced("1", "5") } }, { 100, 50 } },
    { "never take all", 100, { { pricing = priced("0", "0") }, cheap }, { 100, 5 } },
    { "follow the price's own windows", 100, { cheap, { pricing = priced("2", "2", { window(50) }) } }, { 100, 100 } },
  }) do
    it(case[1], function()
      assert.same(case[4], weights(document(case[2], unpack(case[3])), ONE_MS))
    end)
  end
end)
