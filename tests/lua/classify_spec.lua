package.path = "tests/lua/?.lua;" .. package.path

local cjson = require "cjson.safe"
local classify = require "pool.classify"
local outcome = require "pool.outcome"
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

describe("a complete answer of status 200", function()
  local GOOD = '{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}'
  for _, case in ipairs({
    { name = "is one with choices", body = GOOD, want = true },
    { name = "may have blank lines around it", body = "\n\n" .. GOOD .. "\n", want = true },
    { name = "may speak of errors", body = '{"choices":[{"message":{"content":"an \\"error\\" {"}}]}', want = true },
    { name = "may carry a null error", body = '{"error":null,"choices":[]}', want = true },
    { name = "is none with an error", body = '{"error":{"message":"x"},"choices":[]}', want = false },
    { name = "is none without choices", body = '{"code":50505,"message":"x"}', want = false },
    { name = "is none when it breaks off", body = GOOD:sub(1, -10), want = false },
    { name = "is none when it is empty", body = "", want = false },
    { name = "is none when it is a page", body = "<html></html>", want = false },
  }) do
    it(case.name, function()
      assert.equal(case.want, classify.is_answer(case.body, "choices", cjson.decode))
    end)
  end

  it("that the provider could not finish says so", function()
    local text = '{"choices":[{"finish_reason":"stop"},{"finish_reason": "%s"}]}'
    assert.equal("insufficient_system_resource", classify.cut_reason(text:format("insufficient_system_resource")))
    assert.equal("error", classify.cut_reason(text:format("error")))
    assert.is_nil(classify.cut_reason(text:format("length")))
    assert.is_nil(classify.cut_reason('{"choices":[{"message":{"content":"\\"finish_reason\\":\\"error\\""}}]}'))
  end)
end)
