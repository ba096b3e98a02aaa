-- What is requested beside an answer: how many tokens a text has. A protocol (surface.lua) whose answer is a number, in
-- the form of the API that it belongs to.

local lenient = require "core.json.lenient"

local _M = {}


local function read_whole(body, decode, member)
  local value = lenient(decode, body)
  return type(value) == "table" and type(value[member]) == "number"
end


function _M.of(protocol)
  return setmetatable({ read_whole = read_whole }, { __index = protocol })
end


return _M
