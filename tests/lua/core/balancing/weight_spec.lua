local weight = require "core.balancing.weight"

local function candidate(changes)
  local made = { weight = 100, in_flight = 0, max_connections = 10, base_latency_ms = 800, latency_ms = nil,
                 ramp_since_ms = 0 }
  for key, value in pairs(changes or {}) do
    made[key] = value
  end
  return made
end

local SLOW_START_MS = 30000

describe("dynamic weight", function()
  for _, case in ipairs({
    { name = "idle, no sample yet: the declared weight", of = {}, want = 100 },
    { name = "half full: half of it", of = { in_flight = 5 }, want = 50 },
    { name = "full: nothing", of = { in_flight = 10 }, want = 0 },
    { name = "over the connection limit (it was lowered): nothing, not less", of = { in_flight = 20 }, want = 0 },
    { name = "twice as slow as normal: half", of = { latency_ms = 1600 }, want = 50 },
    { name = "very slow: a twentieth, not nothing", of = { latency_ms = 80000 }, want = 5 },
    { name = "very fast: twice, not more", of = { latency_ms = 1 }, want = 200 },
    { name = "all factors at once", of = { in_flight = 5, latency_ms = 1600 }, want = 25 },
    { name = "just recovered: a tenth", of = { ramp_since_ms = 100000 }, want = 10 },
    { name = "half way through slow start: half", of = { ramp_since_ms = 85000 }, want = 50 },
    { name = "after slow start: all", of = { ramp_since_ms = 70000 }, want = 100 },
    { name = "drained: nothing", of = { weight = 0 }, want = 0 },
  }) do
    it(case.name, function()
      assert.equal(case.want, weight.dynamic(candidate(case.of), SLOW_START_MS, 100000))
    end)
  end

  it("knows no slow start when it is switched off", function()
    assert.equal(100, weight.dynamic(candidate({ ramp_since_ms = 99999 }), 0, 100000))
  end)
end)

describe("average time to first content", function()
  it("starts with the first sample", function()
    assert.equal(500, weight.average(nil, 0, 500, 1000))
  end)

  it("takes a worse one at once", function()
    assert.equal(900, weight.average(500, 1000, 900, 1001))
  end)

  it("takes a better one by the time that passed", function()
    local soon, later = weight.average(1000, 0, 100, 100), weight.average(1000, 0, 100, 10000)
    assert.is_true(soon > 980 and soon < 1000)
    assert.is_true(math.abs(later - (100 + 900 * math.exp(-1))) < 0.001)
  end)

  it("takes those who wait for more than usual as its latency", function()
    assert.equal(80, weight.latency(80, 79, 100))
    assert.equal(81, weight.latency(80, 81, 100))
    assert.is_nil(weight.latency(nil, 99, 100))
    assert.equal(101, weight.latency(nil, 101, 100))
  end)
end)
