-- JSON out, in one way: members in the order of their names, lists marked as such, because an empty Lua table is neither.

local scan = require "core.json.scan"

local _M = {}

local LIST = {}

-- What stands for null.
_M.NULL = setmetatable({}, { __tostring = function() return "null" end })


function _M.list(items)
  return setmetatable(items, LIST)
end


local function encode_list(items)
  local parts = {}
  for i = 1, #items do
    parts[i] = _M.encode(items[i])
  end
  return "[" .. table.concat(parts, ",") .. "]"
end


local function encode_object(members)
  local names, parts = {}, {}
  for name in pairs(members) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = scan.quote(name) .. ":" .. _M.encode(members[name])
  end
  return "{" .. table.concat(parts, ",") .. "}"
end


function _M.encode(value)
  if value == _M.NULL then
    return "null"
  end
  if type(value) == "table" then
    return getmetatable(value) == LIST and encode_list(value) or encode_object(value)
  end
  if type(value) == "string" then
    return scan.quote(value)
  end
  return type(value) == "number" and ("%.14g"):format(value) or tostring(value)
end


return _M
