-- Reads the vectors that Lua and Python share.
local cjson = require "cjson"

local _M = {}

function _M.vectors(name)
  local file = assert(io.open("tests/contract/router/" .. name .. ".json"))
  local text = file:read("*a")
  file:close()
  return cjson.decode(text)
end

return _M
