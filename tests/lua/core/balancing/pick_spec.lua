local pick = require "core.balancing.pick"

local function candidate(name, changes)
  local made = { name = name, tier = 0, weight = 100, in_flight = 0, max_connections = 10, base_latency_ms = 500,
                 latency_ms = nil, recovered_at_ms = 0, ramp_since_ms = 0, is_half_open = false }
  for key, value in pairs(changes or {}) do
    made[key] = value
  end
  return made
end

-- random: gives the values in turn
local function context(changes)
  local made = { algorithm = "Dynamic", now_ms = 100000, turn = 0, slow_start_ms = 0, stabilization_ms = 30000, values = { 0 } }
  for key, value in pairs(changes or {}) do
    made[key] = value
  end
  local at = 0
  made.random = function()
    at = at % #made.values + 1
    return made.values[at]
  end
  return made
end

local function chosen(candidates, changes)
  local found = pick.choose(candidates, context(changes))
  return found and found.name
end

describe("choosing a tier", function()
  it("takes the first tier that can serve", function()
    assert.equal("b", chosen({ candidate("c", { tier = 2 }), candidate("b", { tier = 1 }) }))
  end)

  it("gives nothing when nobody may be used", function()
    assert.is_nil(chosen({}))
  end)

  it("starts at the held tier, and goes back to the ones before it rather than fail", function()
    local all = { candidate("a"), candidate("b", { tier = 1 }), candidate("c", { tier = 2 }) }
    assert.equal("b", chosen(all, { held_tier = 1 }))
    assert.equal("a", chosen({ candidate("a") }, { held_tier = 1 }))
  end)

  it("leaves a tier that has just come back alone for the stabilization time", function()
    local back, other = { recovered_at_ms = 90000 }, candidate("b", { tier = 1 })
    assert.equal("b", chosen({ candidate("a", back), other }))
    assert.equal("a", chosen({ candidate("a", { recovered_at_ms = 70000 }), other }))
    assert.equal("a", chosen({ candidate("a", back) }))
  end)

  it("does not take an endpoint that never was away for one that has just come back, soon after the start either", function()
    local half_open = candidate("b", { tier = 1, is_half_open = true })
    assert.equal("a", chosen({ candidate("a"), half_open }, { now_ms = 10 }))
  end)

  it("sends half-open requests at once: they show recovery", function()
    local half_open = candidate("a", { is_half_open = true, recovered_at_ms = 99999 })
    assert.equal("a", chosen({ half_open, candidate("b", { tier = 1 }) }))
  end)

  it("takes the tier that was drawn (Proportional), and another one when nobody there has room", function()
    local a, b = candidate("a"), candidate("b", { tier = 1 })
    assert.equal("b", chosen({ a, b }, { drawn_tier = 1 }))
    assert.equal("a", chosen({ a }, { drawn_tier = 1 }))
  end)

  it("sends half-open requests up from a tier that is drawn or held by the router, not by people", function()
    local all = { candidate("a", { is_half_open = true }), candidate("b", { tier = 1 }) }
    assert.equal("a", chosen(all, { drawn_tier = 1 }))
    assert.equal("a", chosen(all, { held_tier = 1, lets_half_open_up = true }))
    assert.equal("b", chosen(all, { held_tier = 1, lets_half_open_up = false }))
  end)

  it("takes a tier whose other endpoint never was away, with all that may be used", function()
    local all = { candidate("a", { recovered_at_ms = 99999 }), candidate("b"), candidate("c", { tier = 1 }) }
    assert.equal("a", chosen(all, { values = { 0 } }))
    assert.equal("b", chosen(all, { values = { 0.99 } }))
  end)
end)

describe("choosing an endpoint", function()
  it("draws by weight", function()
    local all = { candidate("a", { weight = 25 }), candidate("b", { weight = 75 }) }
    assert.equal("a", chosen(all, { values = { 0.2499 } }))
    assert.equal("b", chosen(all, { values = { 0.26 } }))
    assert.equal("b", chosen(all, { values = { 0.999999 } }))
  end)

  it("draws by weights of less than one, too", function()
    local all = { candidate("a", { weight = 0.25 }), candidate("b", { weight = 0.75 }) }
    assert.equal("b", chosen(all, { values = { 0.3 } }))
  end)

  it("draws among equals when all weights are zero", function()
    local all = { candidate("a", { weight = 0 }), candidate("b", { weight = 0 }), candidate("c", { weight = 0 }) }
    for at, want in ipairs({ "a", "b", "c" }) do
      assert.equal(want, chosen(all, { values = { (at - 0.5) / 3 } }))
    end
  end)

  it("draws the second one among the others (PowerOfTwo)", function()
    local all = { candidate("a", { in_flight = 5 }), candidate("b", { in_flight = 2 }), candidate("c", { in_flight = 9 }) }
    assert.equal("b", chosen(all, { algorithm = "PowerOfTwo", values = { 0, 0.4 } }))
  end)

  it("takes the first of two equally loaded ones, and one without weight only when it is alone (PowerOfTwo)", function()
    assert.equal("a", chosen({ candidate("a"), candidate("b") }, { algorithm = "PowerOfTwo", values = { 0, 0 } }))
    local busy = candidate("a", { in_flight = 5 })
    local function other(weight)
      return chosen({ busy, candidate("b", { weight = weight }) }, { algorithm = "PowerOfTwo", values = { 0, 0.99 } })
    end
    assert.equal("a", other(0))
    assert.equal("b", other(0.5))
  end)

  it("takes the less loaded of two draws (PowerOfTwo)", function()
    local all = { candidate("a", { in_flight = 5 }), candidate("b", { in_flight = 2 }) }
    assert.equal("b", chosen(all, { algorithm = "PowerOfTwo", values = { 0, 0 } }))
    assert.equal("b", chosen(all, { algorithm = "PowerOfTwo", values = { 0.99, 0 } }))
  end)

  it("takes them in turn, by weight and evenly spread (RoundRobin)", function()
    for _, case in ipairs({ { 100, 100, 100, "abcabc" }, { 300, 100, 100, "abacaabaca" }, { 100, 0, 100, "acac" } }) do
      local all, seen = { candidate("a"), candidate("b"), candidate("c") }, ""
      for i = 1, 3 do
        all[i].weight = case[i]
      end
      for _ = 1, #case[4] do
        seen = seen .. chosen(all, { algorithm = "RoundRobin" })
        assert.equal(0, all[1].credit + all[2].credit + all[3].credit)
      end
      assert.equal(case[4], seen)
    end
  end)
end)
