local patience = require "core.request.patience"

describe("how long an attempt may take", function()
  local timeouts = { first_token_ms = 30000, request_ms = 600000 }

  it("is the time to the first token of a stream, even while another endpoint could answer", function()
    assert.equal(30000, patience.ms(timeouts, true))
    assert.equal(30000, patience.ms(timeouts, true, 600000))
    assert.equal(400, patience.ms({ first_token_ms = 30000, request_ms = 400 }, true))
  end)

  it("is the request's for a whole answer", function()
    assert.equal(600000, patience.ms(timeouts, false))
  end)

  it("is half of what is left while another endpoint could answer", function()
    assert.equal(300000, patience.ms(timeouts, false, 600000))
    assert.equal(50000, patience.ms(timeouts, false, 100000))
    assert.equal(600000, patience.ms(timeouts, false, 2000000))
  end)
end)
