local affinity = require "core.balancing.affinity"

local CONTEXT = { slow_start_ms = 30000, now_ms = 100000 }

local function candidate(name, changes)
  local made = { name = name, seed = affinity.seed(name), weight = 100, in_flight = 0, max_connections = 10, ramp_since_ms = 0 }
  for key, value in pairs(changes or {}) do
    made[key] = value
  end
  return made
end

local function chosen(candidates, conversation)
  local index = affinity.choose(candidates, conversation, CONTEXT)
  return index and candidates[index].name
end

-- how many of so many conversations each candidate gets
local function spread(candidates, count)
  local counts = {}
  for number = 1, count do
    local name = chosen(candidates, { number = number })
    counts[name] = (counts[name] or 0) + 1
  end
  return counts
end

describe("affinity", function()
  it("sends a conversation to the same endpoint each time, whatever their order", function()
    local a, b, c = candidate("a"), candidate("b"), candidate("c")
    for number = 1, 50 do
      local first = chosen({ a, b, c }, { number = number })
      assert.equal(first, chosen({ a, b, c }, { number = number }))
      assert.equal(first, chosen({ c, a, b }, { number = number }))
    end
  end)

  it("moves only the conversations of the endpoint that goes", function()
    local a, b, c = candidate("a"), candidate("b"), candidate("c")
    for number = 1, 200 do
      local before = chosen({ a, b, c }, { number = number })
      if before ~= "c" then
        assert.equal(before, chosen({ a, b }, { number = number }))
      end
    end
  end)

  it("spreads conversations by weight", function()
    local counts = spread({ candidate("official"), candidate("aggregator", { weight = 300 }) }, 4000)
    assert.is_true(counts.official > 850 and counts.official < 1150, counts.official)
  end)

  it("keeps a conversation where it was answered last", function()
    local all = { candidate("a"), candidate("b"), candidate("c") }
    for number = 1, 20 do
      assert.equal("b", chosen(all, { number = number, home = "b" }))
    end
  end)

  it("places it again when its endpoint may not be used now", function()
    local all = { candidate("a"), candidate("b") }
    assert.equal(chosen(all, { number = 7 }), chosen(all, { number = 7, home = "gone" }))
  end)

  it("does not crowd an endpoint: more than half full and over its fair part, it gets no more", function()
    local all = { candidate("a", { in_flight = 5 }), candidate("b") }
    assert.same({ b = 100 }, spread(all, 100))
    assert.equal("b", chosen(all, { number = 1, home = "a" }))
  end)

  it("lets an endpoint be half full before that counts, however empty the others are", function()
    assert.equal("a", chosen({ candidate("a", { in_flight = 4 }), candidate("b") }, { number = 1, home = "a" }))
  end)

  it("takes the fair part as it comes when all are busy", function()
    local busy = { in_flight = 8 }
    assert.equal("a", chosen({ candidate("a", busy), candidate("b", busy) }, { number = 1, home = "a" }))
  end)

  it("gives an endpoint that has just come back little at first", function()
    local back = candidate("a", { ramp_since_ms = 99000, in_flight = 1 })
    assert.same({ b = 100 }, spread({ back, candidate("b") }, 100))
  end)

  it("has no answer when all are crowded: then weights decide", function()
    local back = { in_flight = 1, ramp_since_ms = 99999 }
    assert.is_nil(chosen({ candidate("a", back), candidate("b", back) }, { number = 1 }))
  end)

  it("uses 32 bits of a hash", function()
    assert.equal(1, affinity.number("\0\0\0\1\255\255"))
    assert.equal(-1, affinity.number("\255\255\255\255\0\0"))
  end)
end)


describe("the place of a conversation", function()
  local a, b, c = candidate("a", { tier = 0 }), candidate("b", { tier = 0 }), candidate("c", { tier = 0 })
  local lower = candidate("lower", { tier = 1 })
  local declared = { a, b, c, lower }
  local busy = { tier = 0, in_flight = 9 }

  local function place(home, taken, candidates)
    return affinity.place({ number = 7, home = home }, taken, candidates, declared, CONTEXT)
  end

  local mine = chosen({ a, b, c }, { number = 7 })

  it("is where the hash sends a new one", function()
    assert.equal(mine, place(nil, a, { a, b, c }))
  end)

  it("stays while the endpoint is out, also for a router that does not know the conversation", function()
    local others = {}
    for _, one in ipairs({ a, b, c }) do
      others[#others + 1] = one.name ~= mine and one or nil
    end
    assert.equal("a", place("a", b, { b, c }))
    assert.equal("a", place("a", lower, { lower }))
    assert.equal(mine, place(nil, others[1], others))
    assert.equal(mine, place(nil, lower, { lower }))
  end)

  it("stays while the endpoint is well and a request goes elsewhere for another reason", function()
    assert.equal("a", place("a", lower, { a, lower }))
    assert.equal("a", place("a", b, { a, b }))
  end)

  it("moves away from a crowded endpoint, and is not moved back", function()
    local crowded = candidate("a", busy)
    assert.equal("b", place("a", b, { crowded, b, c }))
    assert.equal("b", place("b", b, { a, b, c }))
  end)

  it("stays at a crowded endpoint that has only just recovered", function()
    local recovered = candidate("a", { tier = 0, in_flight = 9, ramp_since_ms = CONTEXT.now_ms - 1000 })
    assert.equal("a", place("a", b, { recovered, b, c }))
  end)

  it("is another one when the endpoint is in service no more", function()
    assert.equal(mine, place("gone", b, { a, b, c }))
  end)
end)
