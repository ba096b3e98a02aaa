-- How much garbage LuaJIT's collector lets come together. A cycle looks at all that is alive, which is a few MiB however
-- few the requests are: at LuaJIT's own pace, that was a tenth of the cost of a short request. A worker that holds thousands
-- of streams keeps that pace, for its garbage would be many MiB more.

local _M = {}

local SMALL_KIB = 48 * 1024
local PATIENT, EAGER = 700, 200 -- a cycle begins when memory has grown to so many percent of what was alive


-- kib: of Lua's memory, garbage included.
function _M.pause_percent(kib)
  return kib < SMALL_KIB and PATIENT or EAGER
end


function _M.tune()
  collectgarbage("setpause", _M.pause_percent(collectgarbage("count")))
end


return _M
