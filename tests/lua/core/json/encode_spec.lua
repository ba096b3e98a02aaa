-- Small things at the router's edges: JSON and metrics out.
local exposition = require "core.document.exposition"
local json = require "core.json.encode"

describe("JSON out", function()
  it("distinguishes empty lists and empty objects, and keeps an order", function()
    assert.equal('{"a":[],"b":{},"c":null,"d":1.5,"e":"x\\"","f":[1,true]}', json.encode({
      f = json.list({ 1, true }), e = 'x"', d = 1.5, c = json.NULL, b = {}, a = json.list({}),
    }))
  end)
end)

describe("metrics", function()
  it("stand below their family's help, buckets in the order of their bounds", function()
    local text = exposition.text({
      ['gen_ai_client_token_usage_bucket{a="x",le="16"}'] = 2, ['gen_ai_client_token_usage_bucket{a="x",le="4"}'] = 1,
      ['gen_ai_client_token_usage_bucket{a="x",le="+Inf"}'] = 3, ['gen_ai_client_token_usage_count{a="x"}'] = 3,
      ['poolkeeper_in_flight{endpoint="a"}'] = 0, unknown = 1,
    })
    local small, large = text:find('le="4"', 1, true), text:find('le="16"', 1, true)
    assert.is_true(small < large and large < text:find("+Inf", 1, true))
    assert.truthy(text:find("# TYPE poolkeeper_in_flight gauge\npoolkeeper_in_flight", 1, true))
    assert.is_nil(text:find("unknown", 1, true))
  end)
end)
