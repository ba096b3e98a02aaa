-- Reads vectors: those that Python reads, too, and those of what only the router does.
local cjson = require "cjson"

local _M = {}

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return cjson.decode(text)
end


function _M.vectors(name)
  return read("tests/contract/router/" .. name .. ".json")
end


function _M.own_vectors(name)
  return read("tests/lua/vectors/" .. name .. ".json")
end


return _M
