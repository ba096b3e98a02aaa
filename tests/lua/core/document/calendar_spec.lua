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

describe("the dates of a window", function()
  local DAY = math.floor(MONDAY_S / 86400)
  local HOLIDAYS = { holidays = { { first_day = DAY + 1, last_day = DAY + 2 } }, none = {} }

  local function holds_on(changes, from_minute, to_minute)
    local said = { days = EVERY_DAY, from_minute = from_minute or 60, to_minute = to_minute or 300, time_zone = "UTC", percent = 1 }
    for key, value in pairs(changes) do
      said[key] = value
    end
    local dated, found = calendar.window(said, UTC, HOLIDAYS), {}
    for day = 0, 4 do
      found[day + 1] = calendar.holds(dated, at(day, 2))
    end
    return found
  end

  it("are all without any", function()
    assert.same({ true, true, true, true, true }, holds_on({ dates = {}, calendars = {} }))
  end)

  it("are its own and those of its calendars", function()
    assert.same({ true, true, true, false, false },
                holds_on({ dates = { { first_day = DAY, last_day = DAY } }, calendars = { "holidays" } }))
  end)

  it("are none where its calendar has none", function()
    assert.same({ false, false, false, false, false }, holds_on({ calendars = { "none" } }))
  end)

  it("are not those that are excepted", function()
    assert.same({ true, false, false, true, true }, holds_on({ except_calendars = { "holidays" } }))
    assert.same({ true, true, true, true, false }, holds_on({ except_dates = { { first_day = DAY + 4, last_day = DAY + 9 } } }))
  end)

  it("and its days of the week must both hold", function()
    assert.same({ false, false, true, false, false }, holds_on({ days = { "Wed", "Thu" }, calendars = { "holidays" } }))
  end)

  it("are those that it starts on, when it runs over midnight", function()
    assert.same({ false, false, true, true, false }, holds_on({ calendars = { "holidays" } }, 1380, 240))
  end)
end)
