local outcome = require "core.error.outcome"

describe("after a failed attempt", function()
  it("another endpoint is asked, while attempts are left", function()
    for _, class in ipairs({ "Connect", "ProxyFailed", "Busy", "RateLimited", "ServerError", "SlowFirstToken", "Stalled",
                             "Truncated", "Credential", "ModelMissing", "ContextTooLong", "Incompatible" }) do
      assert.is_true(outcome.goes_on(class, 1, 3))
      assert.is_false(outcome.goes_on(class, 3, 3))
    end
  end)

  it("nobody is asked again what the caller must change, or when there is no time", function()
    assert.is_false(outcome.goes_on("ClientFault", 1, 3))
    assert.is_false(outcome.goes_on("Deadline", 1, 3))
  end)

  it("the same endpoint is asked again once, after a server error only", function()
    for class in pairs(outcome.CLASSES) do
      assert.equal(class == "ServerError", outcome.may_repeat(class, 1))
      assert.is_false(outcome.may_repeat(class, 2))
    end
  end)

  it("the breaker counts what the endpoint did wrong, not what it was asked wrongly", function()
    local counted = {}
    for class, consequence in pairs(outcome.CLASSES) do
      counted[class] = consequence.counts or nil
    end
    assert.same({ Connect = true, ProxyFailed = true, Busy = true, ServerError = true, SlowFirstToken = true,
                  Stalled = true, Truncated = true }, counted)
  end)

  it("speaks of the endpoint, unless it is about the request or its time", function()
    local requests_own = {}
    for class, consequence in pairs(outcome.CLASSES) do
      requests_own[class] = not consequence.is_fault or nil
    end
    assert.same({ ContextTooLong = true, Incompatible = true, ClientFault = true, Deadline = true }, requests_own)
  end)

  it("the caller gets the provider's own answer where that says what to change", function()
    assert.same({ Empty = true, ContextTooLong = true, Incompatible = true, ClientFault = true }, outcome.TELLING)
  end)
end)

describe("an endpoint whose return is known", function()
  it("may be asked again by a request that it had refused for its rate, by no other", function()
    for class in pairs(outcome.CLASSES) do
      assert.equal(class == "RateLimited", outcome.may_return(class))
    end
  end)
end)
