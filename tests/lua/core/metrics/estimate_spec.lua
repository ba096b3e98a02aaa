local estimate = require "core.metrics.estimate"

describe("tokens that no provider has counted", function()
  it("are estimated by what complete answers had", function()
    local rates = estimate.new()
    estimate.learn(rates, 1000, 50, { input = 300, cached_input = 100, output = 100 })
    assert.same({ input = 600, cached_input = 200, output = 20, reasoning = 0 }, estimate.of(rates, nil, 2000, 10, 0))
  end)

  it("of the request are those that another attempt has reported", function()
    assert.equal(77, estimate.of(estimate.new(), 77, 2000, 10, 0).input)
  end)

  it("follow a change slowly, and take no answer without numbers", function()
    local rates = estimate.new()
    estimate.learn(rates, 1000, 10, { input = 100, cached_input = 0, output = 10 })
    estimate.learn(rates, 0, 10, { input = 100, cached_input = 0, output = 10 })
    estimate.learn(rates, 1000, 0, { input = 200, cached_input = 0, output = 10 })
    assert.is_true(rates.per_byte > 0.1 and rates.per_byte < 0.2)
    assert.equal(1, rates.per_event)
  end)

  it("before any answer are a quarter of the bytes, and one for each event", function()
    assert.same({ input = 25, cached_input = 0, output = 3, reasoning = 0 }, estimate.of(estimate.new(), nil, 100, 3, 0))
    assert.equal(5, estimate.of(estimate.new(), nil, 100, 0, 20).output)
  end)
end)
