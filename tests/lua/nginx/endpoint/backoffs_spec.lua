-- nginx/endpoint/backoffs.lua over a state of this test's own: it says no ngx itself.
package.loaded["nginx.shared.state"] = { noted = function() end, note = function() end }
package.loaded["nginx.endpoint.backoffs"] = nil
local backoffs = require "nginx.endpoint.backoffs"
package.loaded["nginx.shared.state"], package.loaded["nginx.endpoint.backoffs"] = nil, nil

describe("the latency of an endpoint", function()
  it("takes a first answer that comes within the millisecond it was asked about", function()
    local endpoint = { id = "a" }

    assert.is_nil(backoffs.latency_ms(endpoint, 1000))
    backoffs.sample_latency(endpoint, 0, 1000)

    assert.equal(0, backoffs.latency_ms(endpoint, 1000))
  end)
end)
