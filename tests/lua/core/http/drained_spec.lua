local drained = require "core.http.drained"

local WANTED = { settle_ms = 5000, idle_ms = 10000, limit_ms = 60000 }

local CASES = {
  { "nobody has come for a while, and no connection is kept", {}, true },
  { "it has just begun: a list still names this router", { waited_ms = 4999, new_ms = 4999 }, false },
  { "somebody has just come on a new connection", { new_ms = 100 }, false },
  { "a request is in flight", { busy = 1 }, false },
  { "a kept connection may be used again", { kept = 1, used_ms = 9999 }, false },
  { "the kept connections are used seldom", { kept = 3, used_ms = 10000 }, true },
  { "the limit is reached with a request in flight", { waited_ms = 60000, busy = 1, kept = 1, used_ms = 0 }, true },
}

describe("a router that drains may end", function()
  for _, case in ipairs(CASES) do
    it((case[3] and "when " or "not when ") .. case[1], function()
      local seen = { waited_ms = 30000, new_ms = 30000, used_ms = 30000, busy = 0, kept = 0 }
      for name, value in pairs(case[2]) do
        seen[name] = value
      end
      assert.are.equal(case[3], drained.is_over(seen, WANTED))
    end)
  end
end)

describe("what a drain is asked for", function()
  it("has a default for each part", function()
    assert.are.same({ settle_ms = 5000, idle_ms = 10000, limit_ms = 600000 }, drained.wanted({}))
  end)

  it("is in seconds", function()
    assert.are.same({ settle_ms = 0, idle_ms = 500, limit_ms = 640000 },
                    drained.wanted({ settle = "0", idle = "0.5", limit = "640" }))
  end)

  for _, value in ipairs({ "", "-1", "nan", "1e9", "soon", true }) do
    it(("is refused as '%s'"):format(tostring(value)), function()
      local wanted, err = drained.wanted({ limit = value })
      assert.is_nil(wanted)
      assert.matches("^limit is '", err)
    end)
  end

  it("is refused when it occurs twice", function()
    assert.is_nil(drained.wanted({ idle = { "1", "2" } }))
  end)
end)
