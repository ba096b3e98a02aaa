local waiting = require "nginx.balancing.pending_latency"

local NOW_MS = 1795357600123

local function endpoint(id)
  return { id = id, base_latency_ms = 500 }
end

local function attempt(id, started_ms, is_whole)
  local one = { endpoint = endpoint(id), started_ms = started_ms, waits_in = false, is_stream = not is_whole }
  waiting.begin(one)
  return one
end

local function mean_ms(id, now_ms)
  return waiting.mean_ms(endpoint(id), now_ms)
end

describe("those who wait", function()
  it("have waited so long on the average", function()
    local first = attempt("a", NOW_MS)
    local second = attempt("a", NOW_MS + 100)

    assert.equal(150, mean_ms("a", NOW_MS + 200))
    waiting.over(first)
    assert.equal(100, mean_ms("a", NOW_MS + 200))
    waiting.over(second)
    assert.equal(0, mean_ms("a", NOW_MS + 200))
  end)

  it("are over once, however often that is said", function()
    local first = attempt("b", NOW_MS)
    attempt("b", NOW_MS)

    waiting.over(first)
    waiting.over(first)

    assert.equal(50, mean_ms("b", NOW_MS + 50))
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

    assert.equal(100, mean_ms("c", NOW_MS + 100))
  end)
end)

describe("those who wait for a whole answer", function()
  local function answered(id, took_ms)
    local one = attempt(id, NOW_MS, true)
    waiting.over(one)
    return waiting.sample(one, took_ms, NOW_MS + took_ms)
  end

  it("say nothing while it is not known how long one takes", function()
    attempt("d", NOW_MS, true)

    assert.equal(0, mean_ms("d", NOW_MS + 35000))
  end)

  it("are no late first tokens, however long answers are", function()
    for _ = 1, 5 do
      assert.equal(500, answered("e", 35000))
    end
    attempt("e", NOW_MS, true)

    assert.equal(500, mean_ms("e", NOW_MS + 35000))
  end)

  it("are late by as much as answers take longer than when all was well", function()
    answered("f", 10000)
    attempt("f", NOW_MS + 10000, true)

    assert.near(2000, mean_ms("f", NOW_MS + 50000), 1)
    assert.near(1500, answered("f", 30000), 200)
  end)

  it("are compared with the base latency where answers are shorter", function()
    answered("g", 10)

    assert.equal(700, answered("g", 700))
  end)
end)
