local queue = require "core.balancing.queue"

-- Who gets so many places, in turn, while the same priorities wait.
local function turns(tickets, count)
  local served = {}
  for turn = 0, count - 1 do
    local first = queue.first(tickets, #tickets, turn)
    served[first] = (served[first] or 0) + 1
  end
  return served
end

describe("a place that comes free", function()
  it("goes to nobody when nobody waits", function()
    assert.is_nil(queue.first({ false, false }, 2, 0))
    assert.is_nil(queue.first({}, 0, 7))
  end)

  it("goes to the only priority that waits, whosever turn it is", function()
    for turn = 0, 30 do
      assert.equal(41, queue.first({ false, 41, false }, 3, turn))
    end
  end)

  it("goes four times out of five to the first priority, once to those after it", function()
    assert.same({ [7] = 80, [3] = 20 }, turns({ 7, 3 }, 100))
    assert.same({ [7] = 100, [3] = 20, [9] = 5 }, turns({ 7, 3, 9 }, 125))
    assert.same({ [3] = 80, [9] = 20 }, turns({ false, 3, 9 }, 100))
  end)

  it("leaves no priority out, however many there are", function()
    local tickets = {}
    for i = 1, 6 do
      tickets[i] = i
    end
    assert.equal(6, #turns(tickets, 5 ^ 5))
  end)

  it("goes to the first priority first", function()
    assert.equal(7, queue.first({ 7, 3 }, 2, 0))
  end)

  it("is contested when several priorities want it", function()
    assert.is_false(queue.is_contested({ false, 3 }, 2))
    assert.is_true(queue.is_contested({ 1, false, 3 }, 3))
  end)
end)

describe("the places to wait in", function()
  it("are shared by the priorities, none without a place", function()
    assert.equal(100, queue.places(100, 1))
    assert.equal(33, queue.places(100, 3))
    assert.equal(1, queue.places(2, 5))
  end)
end)

describe("the priorities of a pool", function()
  it("are those of its clients, each once, the first one first", function()
    local clients = { { priority = 5 }, { priority = 0 }, { priority = 5 } }
    assert.same({ 0, 5 }, queue.priorities(clients))
  end)

  it("are one where there are no clients", function()
    assert.same({ 0 }, queue.priorities({}))
  end)
end)

describe("a request waits in", function()
  for _, case in ipairs({
    { "its client's own priority", 5, nil, 5 },
    { "a later one that it asks for", 0, "5", 5 },
    { "its own rather than an earlier one", 5, "0", 5 },
    { "the next one that there is", 0, "3", 5 },
    { "the last one rather than one that there is not", 0, "99999", 9 },
    { "its own when it asks for nonsense", 5, "first", 5 },
    { "its own when it asks twice", 5, { "9", "9" }, 5 },
    { "its own when the number has no end", 5, ("9"):rep(400), 5 },
  }) do
    it(case[1], function()
      assert.equal(case[4], queue.priority({ 0, 5, 9 }, case[2], case[3]))
    end)
  end
end)
