local waiting = require "nginx.balancing.pending_latency"

local NOW_MS = 1795357600123

local function attempt(id, started_ms)
  local one = { endpoint = { id = id }, started_ms = started_ms, waits_in = false }
  waiting.begin(one)
  return one
end

describe("those who wait", function()
  it("have waited so long on the average", function()
    local first = attempt("a", NOW_MS)
    local second = attempt("a", NOW_MS + 100)

    assert.equal(150, waiting.mean_ms("a", NOW_MS + 200))
    waiting.over(first)
    assert.equal(100, waiting.mean_ms("a", NOW_MS + 200))
    waiting.over(second)
    assert.equal(0, waiting.mean_ms("a", NOW_MS + 200))
  end)

  it("are over once, however often that is said", function()
    local first = attempt("b", NOW_MS)
    attempt("b", NOW_MS)

    waiting.over(first)
    waiting.over(first)

    assert.equal(50, waiting.mean_ms("b", NOW_MS + 50))
  end)

  it("leave nothing behind, be they thousands", function()
    local all = {}
    for i = 1, 9000 do
      all[i] = attempt("c", NOW_MS + i * 7 % 1001)
    end
    for i = 9000, 1, -1 do
      waiting.over(all[i])
    end
    attempt("c", NOW_MS)

    assert.equal(100, waiting.mean_ms("c", NOW_MS + 100))
  end)
end)
