-- The time, as nginx knows it: of the start of this turn of its event loop, in milliseconds.
--
-- The same number as ngx.now(), but that one ends in a tail call of a builtin, which LuaJIT cannot compile as a trace of its
-- own; it gives up on it after a few tries, and then on everything that calls it, which is the whole path of a request.

local ffi = require "ffi"

local C = ffi.C
local ngx = ngx

local _M = {}

local has_symbol = pcall(function()
  return C.ngx_http_lua_ffi_now
end)


if has_symbol then
  function _M.now_ms()
    local seconds = C.ngx_http_lua_ffi_now()
    return seconds * 1000
  end
else
  function _M.now_ms()
    return ngx.now() * 1000
  end
end


return _M
