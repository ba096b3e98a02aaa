local aimd = require "core.balancing.aimd"

local function context(changes)
  local made = { ceiling = 50, started_ms = 1000, cut_at_ms = 0, in_flight = 50, named = nil }
  for key, value in pairs(changes or {}) do
    made[key] = value
  end
  return made
end

describe("the limit of an endpoint", function()
  for _, case in ipairs({
    { "grows by one a round of answers", 10, "answered", {}, 10.1, false },
    { "does not grow where it is not used", 10, "answered", { in_flight = 4 }, 10, false },
    { "never grows over the connection limit", 50, "answered", {}, 50, false },
    { "falls by a tenth when first tokens are late", 10, "slow", {}, 9, true },
    { "halves when the endpoint has too much", 10, "overload", {}, 5, true },
    { "is at once what the provider names", 40, "overload", { named = 25 }, 25, true },
    { "halves when it is below that already", 20, "overload", { named = 25 }, 10, true },
    { "is never below one", 1, "overload", {}, 1, true },
    { "is never below one, whatever is named", 10, "overload", { named = 0 }, 1, true },
    { "falls once for all that was sent under it", 10, "overload", { started_ms = 900, cut_at_ms = 900 }, 10, false },
    { "falls again for what was sent since", 10, "overload", { started_ms = 901, cut_at_ms = 900 }, 5, true },
    { "grows after a fall whenever it was sent", 10, "answered", { started_ms = 1, cut_at_ms = 900 }, 10.1, false },
  }) do
    it(case[1], function()
      local after, is_cut = aimd.step(case[2], case[3], context(case[4]))
      assert.near(case[5], after, 1e-9)
      assert.equal(case[6], is_cut)
    end)
  end

  it("allows whole requests, one at least", function()
    assert.equal(9, aimd.whole(9.99))
    assert.equal(1, aimd.whole(0.5))
  end)

  it("finds what an endpoint bears, and stays near it", function()
    local bears, limit, now_ms, cut_at_ms, lowest = 20, 100, 0, 0, 100
    for _ = 1, 400 do -- rounds: all that is in flight is answered, or the first one over what it bears is refused
      now_ms = now_ms + 100
      local in_flight = aimd.whole(limit)
      local cut
      for number = 1, in_flight do
        local event = number > bears and "overload" or "answered"
        limit, cut = aimd.step(limit, event, { ceiling = 100, started_ms = now_ms, cut_at_ms = cut_at_ms, in_flight = in_flight })
        cut_at_ms = cut and now_ms or cut_at_ms
      end
      lowest = now_ms > 2000 and math.min(lowest, limit) or lowest
    end
    assert.is_true(limit <= bears + 1 and lowest >= bears / 2 - 1, ("%.1f, lowest %.1f"):format(limit, lowest))
  end)
end)

-- Feeds samples, 100 ms apart; says how many of them were slow.
local function slow_ones(samples, base_latency_ms)
  local track, slow = nil, 0
  for i, sample_ms in ipairs(samples) do
    local is_slow
    track, is_slow = aimd.observe(track, sample_ms, base_latency_ms, i * 100)
    slow = slow + (is_slow and 1 or 0)
  end
  return slow
end

local function times(count, value, list)
  list = list or {}
  for _ = 1, count do
    list[#list + 1] = value
  end
  return list
end

describe("first tokens", function()
  it("are slow when they stay at more than twice the normal", function()
    assert.is_true(slow_ones(times(30, 500, times(20, 100)), 100) > 20)
  end)

  it("are not when one in ten is late", function()
    local samples = {}
    for i = 1, 100 do
      samples[i] = i % 10 == 0 and 250 or 100
    end
    assert.equal(0, slow_ones(samples, 100))
  end)

  it("are not while they are within twice the declared base latency", function()
    assert.equal(0, slow_ones(times(30, 500, times(20, 20)), 800))
  end)

  it("are not for ever: what lasts becomes normal", function()
    local track, is_slow = aimd.observe(aimd.observe(nil, 100, 1, 0), 100, 1, 0), nil
    for minute = 1, 60 do
      track, is_slow = aimd.observe(track, 1000, 1, minute * 60000)
    end
    assert.is_false(is_slow)
  end)
end)
