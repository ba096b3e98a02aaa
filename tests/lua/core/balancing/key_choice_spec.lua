local affinity = require "core.balancing.affinity"
local key_choice = require "core.balancing.key_choice"


local function key(name, in_flight, limit)
  return { seed = affinity.seed(name), weight = 1, in_flight = in_flight or 0, limit = limit or math.huge }
end


local function homes(keys)
  local found = {}
  for number = 1, 3000 do
    found[number] = keys[key_choice.choose(keys, number * 2654435761 % 2 ^ 32, 0)]
  end
  return found
end


describe("choosing a key", function()
  local a, b, c = key("a"), key("b"), key("c")

  it("gives each key its share of the conversations", function()
    local counts = {}
    for _, one in ipairs(homes({ a, b, c })) do
      counts[one] = (counts[one] or 0) + 1
    end
    for _, one in ipairs({ a, b, c }) do
      assert.is_true(counts[one] > 850 and counts[one] < 1150)
    end
  end)

  it("moves only the conversations of the key that is gone, whatever the order", function()
    local before, after = homes({ a, b, c }), homes({ c, a })
    for number, one in ipairs(before) do
      if one ~= b then
        assert.are.equal(one, after[number])
      end
    end
  end)

  it("takes the least busy key without a conversation", function()
    local keys = { key("a", 3), key("b", 1), key("c", 2) }
    for _, random in ipairs({ 0, 0.4, 0.99 }) do
      assert.are.equal(2, key_choice.choose(keys, nil, random))
    end
  end)

  it("draws among keys that are equally busy", function()
    local keys, seen = { a, b, c }, {}
    for _, random in ipairs({ 0, 0.4, 0.99 }) do
      seen[key_choice.choose(keys, nil, random)] = true
    end
    assert.are.same({ true, true, true }, seen)
  end)

  it("leaves out a key at the limit of its account, unless all are", function()
    for number = 1, 50 do
      assert.are.equal(2, key_choice.choose({ key("a", 2, 2), key("b", 5, 6) }, number, 0))
    end
    assert.is_number(key_choice.choose({ key("a", 2, 2) }, 7, 0))
  end)
end)


describe("the limit of keys together", function()
  it("is the sum of what their accounts may have, at most the endpoint's", function()
    assert.are.equal(7, key_choice.ceiling({ key("a", 0, 3), key("b", 0, 4) }, 50))
    assert.are.equal(50, key_choice.ceiling({ key("a", 0, 3), key("b") }, 50))
  end)
end)


describe("what keys say of their endpoint", function()
  local CASES = {
    { "nothing while one may be used", { { reason = "RateLimited", since_ms = 1, retry_at_ms = 9 }, { since_ms = 0 } }, nil },
    { "the reason of the one that is back first, since none may be used",
      { { reason = "CredentialsRejected", since_ms = 5 }, { reason = "RateLimited", since_ms = 3, retry_at_ms = 9 } },
      { reason = "RateLimited", since_ms = 5, retry_at_ms = 9 } },
    { "the first one's where nobody knows when",
      { { reason = "SecretNotFound", since_ms = 5 }, { reason = "CredentialsRejected", since_ms = 3 } },
      { reason = "SecretNotFound", since_ms = 5 } },
  }
  for _, case in ipairs(CASES) do
    it(case[1], function()
      assert.are.same(case[3], key_choice.all_out(case[2]))
    end)
  end
end)
