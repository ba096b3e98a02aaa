local dates = require "core.document.dates"

local function span(first_day, last_day)
  return { first_day = first_day, last_day = last_day or first_day }
end

describe("a set of dates", function()
  it("is in order and apart, whatever the order of its parts", function()
    assert.same({ span(1, 6), span(9, 12) }, dates.set({ span(9, 10), span(1, 3), span(4, 6), span(2), span(10, 12) }))
  end)

  it("of nothing has no day", function()
    assert.same({}, dates.set({}))
    assert.is_false(dates.has({}, 0))
  end)

  it("leaves what it was made of as it was", function()
    local spans = { span(4, 9), span(1, 5) }
    dates.set(spans)
    assert.same({ span(4, 9), span(1, 5) }, spans)
  end)

  it("has its first and its last days, and none between its parts", function()
    local set = dates.set({ span(-3), span(10, 12), span(20), span(30, 40), span(50) })
    local found = {}
    for day = -5, 55 do
      found[#found + 1] = dates.has(set, day) and day or nil
    end
    assert.is_true(dates.any({ dates.set({}), set }, 40))
    assert.is_false(dates.any({ dates.set({}), set }, 41))
    assert.same({ -3, 10, 11, 12, 20, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 50 }, found)
  end)
end)
