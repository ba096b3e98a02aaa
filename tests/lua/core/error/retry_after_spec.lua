package.path = "tests/lua/?.lua;" .. package.path

local retry_after = require "core.error.retry_after"
local support = require "support"

local vectors = support.own_vectors("retry_after")

describe("how long a provider asks to be left alone", function()
  for _, case in ipairs(vectors.cases) do
    it("is read: " .. case.name, function()
      local function header(name)
        return case.headers[name]
      end
      local wait_ms = retry_after.wait_ms(header, vectors.nowMs)
      assert.equal(case.wantMs, wait_ms)
    end)
  end
end)
