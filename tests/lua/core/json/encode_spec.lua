-- JSON out.
local json = require "core.json.encode"

describe("JSON out", function()
  it("distinguishes empty lists and empty objects, and keeps an order", function()
    assert.equal('{"a":[],"b":{},"c":null,"d":1.5,"e":"x\\"","f":[1,true]}', json.encode({
      f = json.list({ 1, true }), e = 'x"', d = 1.5, c = json.NULL, b = {}, a = json.list({}),
    }))
  end)
end)
