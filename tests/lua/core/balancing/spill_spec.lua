local spill = require "core.balancing.spill"

-- healthy capacity of each tier, in percent
local function tiers(...)
  local made = {}
  for i, healthy in ipairs({ ... }) do
    made[i] = { tier = i - 1, healthy = healthy, total = 100 }
  end
  return made
end

local function percent(shares)
  local rounded = {}
  for i = 1, #shares do
    rounded[i] = math.floor(shares[i] * 100 + 0.5)
  end
  return rounded
end

describe("proportional spill", function()
  for _, case in ipairs({
    { "all well: nothing goes down", { 100, 100 }, { 100, 0 } },
    { "a little lost: still nothing", { 72, 100 }, { 100, 0 } },
    { "seven tenths: 1.4 times that", { 70, 100 }, { 98, 2 } },
    { "half lost", { 50, 100 }, { 70, 30 } },
    { "three quarters lost", { 25, 100 }, { 35, 65 } },
    { "all lost", { 0, 100 }, { 0, 100 } },
    { "both half lost: together enough", { 50, 50 }, { 70, 30 } },
    { "not enough in both: shared by what they have", { 25, 25 }, { 50, 50 } },
    { "over three tiers", { 25, 25, 100 }, { 35, 35, 30 } },
    { "a dark tier in the middle is stepped over", { 25, 0, 100 }, { 35, 0, 65 } },
    { "one tier takes what there is", { 10 }, { 100 } },
  }) do
    it(case[1], function()
      assert.same(case[3], percent(spill.shares(tiers(unpack(case[2])))))
    end)
  end

  it("knows no share where nothing is healthy", function()
    assert.is_nil(spill.shares(tiers(0, 0)))
    assert.is_nil(spill.shares({}))
    assert.is_nil(spill.draw(tiers(0, 0), 0.5))
  end)

  it("draws a tier by its share", function()
    assert.equal(0, spill.draw(tiers(50, 100), 0.69))
    assert.equal(1, spill.draw(tiers(50, 100), 0.71))
    assert.equal(1, spill.draw(tiers(0, 100), 0))
    assert.equal(0, spill.draw(tiers(100, 100), 0.999999))
  end)

  it("adds up the connections of a tier, of those that are well and of all", function()
    local added = {}
    spill.add(added, 0, 10, true)
    spill.add(added, 0, 30, false)
    spill.add(added, 2, 5, true)
    assert.same({ { tier = 0, healthy = 10, total = 40 }, { tier = 2, healthy = 5, total = 5 } }, added)
  end)
end)
