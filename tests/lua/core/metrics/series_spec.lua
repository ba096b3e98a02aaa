local series = require "core.metrics.series"

describe("names of series", function()
  it("have the labels of their family, in its order, with what Prometheus escapes escaped", function()
    assert.equal('poolkeeper_attempts_total{endpoint="a",gen_ai_request_model="x\\"y\\\\z\\n"}',
                 series.of("poolkeeper_attempts_total", "a", 'x"y\\z\n'))
    assert.equal("poolkeeper_config_generation", series.of("poolkeeper_config_generation"))
  end)

  it("of a histogram stand in the order of its bounds", function()
    local parts = series.parts("poolkeeper_request_attempts", "m")
    assert.equal('poolkeeper_request_attempts_bucket{model="m",le="0"}', parts.buckets[1])
    assert.equal('poolkeeper_request_attempts_bucket{model="m",le="+Inf"}', parts.buckets[#parts.buckets])
    assert.equal(#parts.bounds + 1, #parts.buckets)
    assert.equal('poolkeeper_request_attempts_sum{model="m"}', parts.sum)
  end)

  it("of a summary are a sum and a count", function()
    local parts = series.parts("gen_ai_client_token_usage_token", "chat", "deepseek", "m", "u", "input")
    assert.same({}, parts.buckets)
    assert.equal("gen_ai_client_token_usage_token", series.family_of(parts.sum))
    assert.equal("gen_ai_client_token_usage_token", series.family_of(parts.count))
  end)

  it("belong to no family where there is none", function()
    assert.is_nil(series.family_of("unknown_total"))
    assert.is_nil(series.family_of("poolkeeper_unknown_bucket"))
  end)
end)
