local outcome = require "pool.outcome"

describe("after a failed attempt", function()
  it("another endpoint is asked, while attempts are left", function()
    for _, class in ipairs({ "Connect", "Busy", "RateLimited", "ServerError", "SlowFirstToken", "Stalled", "Truncated",
                             "Credential", "ModelMissing", "ContextTooLong", "Incompatible" }) do
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
    assert.same({ Connect = true, Busy = true, ServerError = true, SlowFirstToken = true, Stalled = true, Truncated = true },
                counted)
  end)
end)

describe("a lone endpoint that is rate limited", function()
  local limited = { class = "RateLimited", retry_after_ms = 2000 }

  it("is waited for when it says how long, and the request has the time", function()
    assert.equal(2000, outcome.wait_ms(limited, 2000, 2001))
    assert.is_nil(outcome.wait_ms(limited, 2000, 2000))
  end)

  it("is not waited for when it says nothing, nor is any other class", function()
    assert.is_nil(outcome.wait_ms({ class = "RateLimited" }, 5000, 60000))
    assert.is_nil(outcome.wait_ms({ class = "Busy", retry_after_ms = 2000 }, 2000, 60000))
  end)
end)
