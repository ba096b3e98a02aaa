-- LuaJIT's limits on what it compiles at once. The way of a request is long and branches little, so it is compiled in long
-- pieces: with the default limits (4000 instructions, 500 constants) the compiler gave up on a good part of it
-- (docs/performance.md).

local opt = jit.opt

local _M = {}

local LIMITS = { "maxrecord=8000", "maxirconst=1000" }


function _M.tune()
  opt.start(unpack(LIMITS))
end


return _M
