-- One worker serves all requests, one after the other: a long task is done in slices, and other requests have their turn
-- in between. The time that nginx took at the start of a turn shows how long it has lasted.

local ffi = require "ffi"
local clock = require "nginx.shared.clock"

local C = ffi.C
local ngx = ngx

local _M = {}

local TURN_MS = 5
local PAUSE_S = 0.001 -- Debian's nginx warns at a sleep of zero

ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } poolkeeper_timespec;
  int clock_gettime(int id, poolkeeper_timespec *now);
]]

local CLOCK_REALTIME = 0 -- what nginx's time is made of
local now = ffi.new("poolkeeper_timespec")


local function lasted_ms()
  C.clock_gettime(CLOCK_REALTIME, now)
  return tonumber(now.seconds) * 1000 + tonumber(now.nanoseconds) / 1000000 - clock.wall_ms()
end


-- Lets the others have their turn, if this one has lasted long enough (turn_ms: other than 5). Not in phases that cannot
-- wait (log).
function _M.pause(turn_ms)
  local ms, enough_ms = lasted_ms(), turn_ms or TURN_MS
  if ms > enough_ms or ms < -enough_ms then
    ngx.sleep(PAUSE_S)
  end
end


return _M
