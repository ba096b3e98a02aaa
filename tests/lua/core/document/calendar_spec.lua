local calendar = require "core.document.calendar"

local UTC = { UTC = { { since_s = 0, offset_s = 0 } } }
local EVERY_DAY = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" }
local MONDAY_S = 1763942400 -- 2025-11-24 00:00 UTC, a Monday

local function window(from_minute, to_minute, days, percent)
  local said = { days = days or EVERY_DAY, from_minute = from_minute, to_minute = to_minute, time_zone = "UTC",
                 percent = percent or 200 }
  return calendar.window(said, UTC)
end

local function at(day, hour, minute)
  return MONDAY_S + day * 86400 + hour * 3600 + (minute or 0) * 60
end

describe("a window of the week", function()
  it("off-peak 01:00-05:00 UTC doubles the weight, on the minute", function()
    local off_peak = { window(60, 300) }
    assert.equal(100, calendar.percent(off_peak, at(0, 0, 59) + 59))
    assert.equal(200, calendar.percent(off_peak, at(0, 1)))
    assert.equal(200, calendar.percent(off_peak, at(0, 4, 59) + 59))
    assert.equal(100, calendar.percent(off_peak, at(0, 5)))
  end)

  it("holds on its days only", function()
    local work = window(60, 300, { "Mon", "Fri" })
    for day, want in ipairs({ true, false, false, false, true, false, false }) do
      assert.equal(want, calendar.holds(work, at(day - 1, 2)))
    end
  end)

  it("over midnight belongs to the day it starts on", function()
    local night = window(22 * 60, 6 * 60, { "Sun" })
    assert.is_true(calendar.holds(night, at(6, 23)))
    assert.is_true(calendar.holds(night, at(7, 5, 59)))
    assert.is_false(calendar.holds(night, at(7, 6)))
    assert.is_false(calendar.holds(night, at(6, 5)))
    assert.is_false(calendar.holds(night, at(7, 23)))
  end)

  it("of a whole day is from 00:00 to 24:00", function()
    local saturday = window(0, 1440, { "Sat" })
    assert.is_true(calendar.holds(saturday, at(5, 0)))
    assert.is_true(calendar.holds(saturday, at(5, 23, 59)))
    assert.is_false(calendar.holds(saturday, at(6, 0)))
  end)

  it("multiplies with those it overlaps", function()
    assert.equal(100, calendar.percent({ window(0, 120, nil, 200), window(60, 180, nil, 50) }, at(0, 1, 30)))
    assert.equal(0, calendar.percent({ window(0, 120, nil, 0), window(60, 180, nil, 50) }, at(0, 1, 30)))
    assert.equal(100, calendar.percent({}, at(0, 1, 30)))
  end)
end)
