package.path = "tests/lua/?.lua;" .. package.path

local classify = require "core.error.classify"
local outcome = require "core.error.outcome"
local support = require "support"

local vectors = support.vectors("classify")

describe("a refusal", function()
  for _, case in ipairs(vectors.cases) do
    it(case.provider .. ": " .. case.name, function()
      local function header(name)
        return case.headers[name]
      end
      local refusal = classify.refusal(case.status, header, case.body, case.provider, vectors.nowMs)
      assert.equal(case.want.class, refusal.class)
      assert.equal(case.want.reason, refusal.reason)
      assert.equal(case.want.retryAfterMs, refusal.retry_after_ms)
      assert.equal(case.want.limit, refusal.limit)
      assert.truthy(outcome.CLASSES[refusal.class])
    end)
  end
end)

describe("the status that a caller gets", function()
  local function refusal_of(status, message)
    local body = '{"error":{"message":"' .. message .. '"}}'
    return classify.refusal(status, function() end, body, "DeepSeek", vectors.nowMs)
  end

  for _, case in ipairs({
    { 500, "Failed to parse messages: expected a list", "ClientFault", 400 },
    { 429, "Request too large for this model", "Incompatible", 400 },
    { 200, "something that nobody has a word for", "ServerError", 400 },
    { 500, "something that nobody has a word for", "ServerError", 500 },
    { 429, "slow down", "RateLimited", 429 },
    { 422, "Failed to parse messages: expected a list", "ClientFault", 422 },
  }) do
    local status, message, want_class, want_status = case[1], case[2], case[3], case[4]
    it(("of %d with '%s' is %d"):format(status, message, want_status), function()
      local refusal = refusal_of(status, message)
      assert.equal(want_class, refusal.class)
      assert.equal(want_status, refusal.status)
    end)
  end

  it("has no wait in it unless the rate is limited, whatever the words say", function()
    assert.is_nil(refusal_of(500, "overheated, try again in 7s").retry_after_ms)
    assert.equal(7000, refusal_of(429, "slow down, try again in 7s").retry_after_ms)
  end)

  it("comes with a connection limit of six digits at most", function()
    assert.equal(999999, refusal_of(429, "concurrency limit of 999999").limit)
    assert.is_nil(refusal_of(429, "concurrency limit of 1000000").limit)
  end)
end)
