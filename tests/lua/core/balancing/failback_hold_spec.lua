local hold = require "core.balancing.failback_hold"

describe("failback by hand", function()
  local new = hold.new()

  it("holds nothing while the first tier is there", function()
    assert.equal(new, hold.step(new, nil, 0, 0, ""))
    assert.is_nil(hold.tier(new, ""))
  end)

  it("holds the tier it had to go down to, and goes on holding it when the first one is back", function()
    local down = hold.step(new, nil, 0, 1, "")
    assert.equal(1, hold.tier(down, ""))
    assert.equal(down, hold.step(down, 1, 0, 0, ""))
  end)

  it("goes further down, never up by itself", function()
    local lower = hold.step(hold.step(new, nil, 0, 1, ""), 1, 0, 2, "")
    assert.equal(2, hold.tier(lower, ""))
    assert.equal(lower, hold.step(lower, 2, 0, 1, ""))
  end)

  it("has nothing to hold on to when no tier is well", function()
    assert.equal(new, hold.step(new, nil, 0, nil, ""))
  end)

  it("is free when people say failback, and can hold again after it", function()
    local down = hold.step(new, nil, 0, 1, "")
    assert.is_nil(hold.tier(down, "later"))
    assert.equal(2, hold.tier(hold.step(down, nil, 0, 2, "later"), "later"))
  end)

  it("begins where the other routers are, and is never above them", function()
    assert.equal(1, hold.tier(new, "", 1))
    assert.equal(2, hold.tier({ tier = 1, token = "" }, "", 2))
    assert.equal(2, hold.tier({ tier = 2, token = "" }, "", 1))
  end)

  it("looks only at tiers that are meant to serve", function()
    assert.equal(new, hold.step(new, nil, 1, 1, ""))
  end)
end)
