package.path = "tests/lua/?.lua;" .. package.path

local cost = require "core.document.cost"
local support = require "support"

local vectors = support.vectors("usage")

local function is_near(want, seen)
  assert.is_true(math.abs(seen - want) < 1e-12, ("wanted %s, got %s"):format(want, seen))
end

describe("the cost of an answer", function()
  local prices = cost.pricing(vectors.pricing)

  for _, case in ipairs(vectors.cases) do
    it(case.name, function()
      is_near(tonumber(case.cost), cost.of(prices, case.usage, 100))
    end)
  end

  it("is multiplied inside a window", function()
    is_near(0.3, cost.of(prices, { prompt_tokens = 1e6 }, 200))
  end)

  it("takes a cached token for any other where no price of it is given", function()
    local plain = cost.pricing({ currency = "USD", input_per_million = "0.15", output_per_million = "1" })
    is_near(0.15, cost.of(plain, { prompt_tokens = 1e6, cached_tokens = 1e6 }, 100))
  end)

  for _, odd in ipairs({ 0 / 0, 1 / 0, -1 / 0 }) do -- what no JSON says, but arithmetic does
    it("knows no count of tokens in " .. tostring(odd), function()
      is_near(0.15, cost.of(prices, { prompt_tokens = 1e6, completion_tokens = odd, cached_tokens = odd }, 100))
    end)
  end
end)
