-- How long a provider wants no requests: Retry-After in seconds or as an HTTP date, or retry-after-ms.

local floor = math.floor
local max = math.max

local _M = {}

local LONGEST_MS = 3600 * 1000 -- as long as the longest time in a policy: no Retry-After excludes an endpoint for longer
_M.LONGEST_MS = LONGEST_MS
local MS_A_DAY = 86400000
local EPOCH_S = 1e9 -- a number from here on is a time, which no standard has and some send
local VALUE_MAX_BYTES = 64 -- of a header: what stands behind changes nothing
local MONTHS = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6,
                 jul = 7, aug = 8, sep = 9, oct = 10, nov = 11, dec = 12 }


-- days since 1970-01-01 of a date of the Gregorian calendar
local function day_number(year, month, day)
  local y = month <= 2 and year - 1 or year
  local era = floor(y / 400)
  local year_of_era = y - era * 400
  local day_of_year = floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return era * 146097 + year_of_era * 365 + floor(year_of_era / 4) - floor(year_of_era / 100) + day_of_year - 719468
end


-- "Sun, 22 Nov 2026 08:12:31 GMT" as milliseconds since 1970, or nil
function _M.http_date_ms(text)
  local day, month, year, h, m, s =
    text:lower():match("^%a%a%a, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) gmt$")
  if not day or not MONTHS[month] then
    return nil
  end
  local days = day_number(tonumber(year), MONTHS[month], tonumber(day))
  return days * MS_A_DAY + ((tonumber(h) * 60 + tonumber(m)) * 60 + tonumber(s)) * 1000
end


-- "2026-11-22T08:12:31.5+01:00" as milliseconds since 1970, or nil
function _M.rfc3339_ms(text)
  local year, month, day, h, m, s, zone = text:lower():match("^(%d%d%d%d)-(%d%d)-(%d%dt)(%d%d):(%d%d):(%d%d%.?%d*)(.+)$")
  if not year then
    return nil
  end
  local sign, zone_h, zone_m = zone:match("^([+-])(%d%d):(%d%d)$")
  if not sign and zone ~= "z" then
    return nil
  end
  local minutes = tonumber(h) * 60 + tonumber(m)
  if sign then
    minutes = minutes - tonumber(sign .. "1") * (tonumber(zone_h) * 60 + tonumber(zone_m))
  end
  local days = day_number(tonumber(year), tonumber(month), tonumber(day:sub(1, 2)))
  return days * MS_A_DAY + (minutes * 60 + tonumber(s)) * 1000
end


local function said(header, name)
  local value = header(name)
  return value and value:sub(1, VALUE_MAX_BYTES)
end


-- header: lower-case name -> value or nil. The wait in milliseconds, bounded; nil when the answer names none.
function _M.wait_ms(header, now_ms)
  local milliseconds = said(header, "retry-after-ms")
  if milliseconds and milliseconds:find("^%d+%.?%d*$") then
    return math.min(tonumber(milliseconds), LONGEST_MS)
  end
  local value = said(header, "retry-after")
  if not value then
    return nil
  end
  -- some add a unit, or say it twice
  local seconds = tonumber(value:match("^(%d+%.?%d*)s?$") or value:match("^(%d+), ?%d+$"))
  if seconds then
    return math.min(seconds >= EPOCH_S and max(0, seconds * 1000 - now_ms) or seconds * 1000, LONGEST_MS)
  end
  local at_ms = _M.http_date_ms(value) or _M.rfc3339_ms(value)
  return at_ms and math.min(max(at_ms - now_ms, 0), LONGEST_MS)
end


return _M
