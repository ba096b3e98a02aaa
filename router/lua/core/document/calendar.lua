-- Windows of the week, on all dates or on some: does one hold at a moment, and what do all that hold make together?
--
-- A window is what the clock on the wall of its time zone says: on the night that clocks go forward an hour is missing
-- from it, on the night that they go back it lasts an hour longer. One that ends at or before its start runs over midnight
-- and belongs to the day it starts on. This router knows no time zones; the document brings the offsets of those in use,
-- for years ahead, so nothing here depends on an operator being there.

local dates = require "core.document.dates"

local floor = math.floor

local _M = {}

local DAY_S, WEEK_DAYS = 86400, 7
local FIRST_DAY = 3 -- the first of January 1970 was a Thursday; Monday is 0
local NUMBER_OF = { Mon = 0, Tue = 1, Wed = 2, Thu = 3, Fri = 4, Sat = 5, Sun = 6 }


-- The sets of dates that a window names, its own and those of calendars; nil when it names none.
local function dates_of(spans, names, calendars)
  local sets = { spans and spans[1] and dates.set(spans) or nil }
  for _, name in ipairs(names or {}) do
    sets[#sets + 1] = calendars[name]
  end
  return sets[1] and sets
end


-- What a document says of a window, ready for use. zones: name -> offsets [{since_s, offset_s}] in order of time.
-- calendars: name -> set of dates.
function _M.window(said, zones, calendars)
  local days = {}
  for _, day in ipairs(said.days) do
    days[NUMBER_OF[day]] = true
  end
  return { days = days, from_minute = said.from_minute, to_minute = said.to_minute, percent = said.percent,
           offsets = zones[said.time_zone], only = dates_of(said.dates, said.calendars, calendars),
           except = dates_of(said.except_dates, said.except_calendars, calendars) }
end


local function offset_s(offsets, now_s)
  for i = #offsets, 2, -1 do
    if offsets[i].since_s <= now_s then
      return offsets[i].offset_s
    end
  end
  return offsets[1].offset_s
end


-- day: since 1970.
local function starts_on(window, day)
  return window.days[(day + FIRST_DAY) % WEEK_DAYS] == true and (not window.only or dates.any(window.only, day))
    and not (window.except and dates.any(window.except, day))
end


function _M.holds(window, now_s)
  local local_s = now_s + offset_s(window.offsets, now_s)
  local day = floor(local_s / DAY_S)
  local minute = floor(local_s % DAY_S / 60)
  if window.from_minute < window.to_minute then
    return minute >= window.from_minute and minute < window.to_minute and starts_on(window, day)
  end
  if minute >= window.from_minute then
    return starts_on(window, day)
  end
  return minute < window.to_minute and starts_on(window, day - 1)
end


-- The product of all windows that hold: 100 outside of all.
function _M.percent(windows, now_s)
  local percent = 100
  for i = 1, #windows do
    if _M.holds(windows[i], now_s) then
      percent = percent * windows[i].percent / 100
    end
  end
  return percent
end


return _M
