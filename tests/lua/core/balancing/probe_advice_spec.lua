local advice = require "core.balancing.probe_advice"

describe("weight adjustment by probes", function()
  it("counts until its time", function()
    local grey = { weight_percent = 10, until_ms = 1000 }
    assert.equal(10, advice.percent(grey, 999))
    assert.equal(100, advice.percent(grey, 1000))
  end)

  it("leaves out who is out", function()
    local one, two = { name = "one", is_out = true }, { name = "two" }
    assert.same({ two }, advice.leave_out({ one, two }))
  end)

  it("leaves nobody out when that would be everybody", function()
    local one, two = { name = "one", is_out = true }, { name = "two", is_out = true }
    assert.same({ one, two }, advice.leave_out({ one, two }))
  end)
end)
