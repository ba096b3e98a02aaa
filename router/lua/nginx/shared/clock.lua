-- The time, as nginx knows it: of the start of this turn of its event loop, in milliseconds since 1970.
--
-- now_ms is the router's own time, used for all its calculations. It is the machine's clock without its steps since the
-- router began. A step back by an hour would keep circuits open and callers waiting for that hour; a step forward would
-- put all requests in flight over their time. nginx has a steady count beside it, but in a coarse grain; when the two
-- differ by more than that grain, it was a step. All workers see the same steps: they share that beginning.
--
-- wall_ms is the time that other machines and people use. own_ms converts a time of theirs, to_wall_ms one of ours.
--
-- Not by ngx.now(), which ends in a tail call of a builtin: LuaJIT cannot compile that as a trace of its own; it gives up
-- on it after a few tries, and then on everything that calls it, which is the whole path of a request.

local ffi = require "ffi"

local C = ffi.C
local ngx = ngx

local _M = {}

local STEP_MS = 50 -- less is the grain of the steady count, or a clock that is slewed

local wall_ms, steady_ms

if pcall(function() return C.ngx_http_lua_ffi_now end) then
  function wall_ms()
    local seconds = C.ngx_http_lua_ffi_now()
    return seconds * 1000
  end
else
  function wall_ms()
    return ngx.now() * 1000
  end
end

ffi.cdef "extern volatile uintptr_t ngx_current_msec;"

if pcall(function() return C.ngx_current_msec end) then
  function steady_ms()
    local count_ms = tonumber(C.ngx_current_msec)
    return count_ms
  end
end

local apart_ms = steady_ms and wall_ms() - steady_ms()
local ahead_ms = 0


-- From the wall clock to the router's own, as it stands at at_ms: every caller of this notices a step.
local function ahead(at_ms)
  if steady_ms then
    local stepped_ms = at_ms - steady_ms() - apart_ms
    if stepped_ms > STEP_MS or stepped_ms < -STEP_MS then
      apart_ms, ahead_ms = apart_ms + stepped_ms, ahead_ms + stepped_ms
    end
  end
  return ahead_ms
end


function _M.now_ms()
  local at_ms = wall_ms()
  return at_ms - ahead(at_ms)
end


_M.wall_ms = wall_ms


function _M.own_ms(at_wall_ms)
  return at_wall_ms - ahead(wall_ms())
end


function _M.to_wall_ms(own_ms)
  return own_ms + ahead(wall_ms())
end


return _M
