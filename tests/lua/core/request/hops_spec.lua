local hops = require "core.request.hops"

local NINE = "a, b, c, d, e, f, g, h, i"

local CASES = {
  { "none", nil, nil, false },
  { "one", "east", "east", false },
  { "two", "east, west", "east, west", false },
  { "two lines", { "east", "west" }, "east, west", false },
  { "this one", "east, me", "east, me", true },
  { "this one in capitals", "ME", "me", true },
  { "no names", " ,, é", nil, false },
  { "a name that is too long", ("x"):rep(65), nil, false },
  { "as many as may be", "a,b,c,d,e,f,g,h", "a, b, c, d, e, f, g, h", false },
  { "more than may be", NINE, "a, b, c, d, e, f, g, h", true },
}

describe("the pools of a request", function()
  for _, case in ipairs(CASES) do
    it("are " .. case[1], function()
      local list, loops = hops.of(case[2], "me")
      assert.are.equal(case[3], list)
      assert.are.equal(case[4], loops)
    end)
  end

  it("are one more for the next pool", function()
    assert.are.equal("me", hops.with(nil, "me"))
    assert.are.equal("east, me", hops.with("east", "me"))
  end)
end)
