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
      local verdict = classify.refusal(case.status, header, case.body, case.provider, vectors.nowMs)
      assert.equal(case.want.class, verdict.class)
      assert.equal(case.want.reason, verdict.reason)
      assert.equal(case.want.retryAfterMs, verdict.retry_after_ms)
      assert.equal(case.want.limit, verdict.limit)
      assert.truthy(outcome.CLASSES[verdict.class])
    end)
  end
end)
