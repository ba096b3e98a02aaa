-- nginx's variable for the line of the request log, set from a buffer: ngx.var takes a string only, and a string of each
-- line is what core/log/line.lua does without. nginx keeps a copy, for as long as the request lives.

local base = require "resty.core.base"
local ffi = require "ffi"

require "resty.core.var" -- declares ngx_http_lua_ffi_var_set

local C = ffi.C
local get_request, get_size_ptr = base.get_request, base.get_size_ptr

local _M = {}

local NAME = "poolkeeper_line"
local ERROR_BYTES = 256
local bytes = ffi.typeof("unsigned char[?]")
local lower, message = bytes(#NAME), bytes(ERROR_BYTES)


-- line: a buffer of LuaJIT's.
function _M.set(line)
  local text, length = line:ref()
  local size = get_size_ptr()
  size[0] = ERROR_BYTES
  local found = C.ngx_http_lua_ffi_var_set(get_request(), NAME, #NAME, lower, text, length, message, size)
  if found ~= 0 then
    error(ffi.string(message, size[0]))
  end
end


return _M
