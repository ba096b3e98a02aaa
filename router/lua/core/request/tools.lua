-- The tools that a request offers its model, by name.

local edit = require "core.json.edit"

local _M = {}


-- name -> true; body: of a chat request
function _M.names(body, decode)
  local names, list = {}, edit.get(body, "tools")
  local tools = list and decode(list)
  for _, tool in ipairs(type(tools) == "table" and tools or {}) do
    local named = type(tool) == "table" and tool["function"]
    if type(named) == "table" and type(named.name) == "string" then
      names[named.name] = true
    end
  end
  return names
end


return _M
