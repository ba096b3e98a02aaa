-- The pool's models, as clients ask for them: one answer that is right in OpenAI's shape and in Anthropic's.

local encode = require "core.json.encode"

local _M = {}

local SINCE_S, SINCE = 0, "1970-01-01T00:00:00Z" -- both shapes want a date; a name has none


local function item(name)
  return { id = name, object = "model", created = SINCE_S, owned_by = "poolkeeper",
           type = "model", display_name = name, created_at = SINCE }
end


function _M.one(name)
  return encode.encode(item(name))
end


function _M.list(names)
  local items = {}
  for i = 1, #names do
    items[i] = item(names[i])
  end
  return encode.encode({ object = "list", data = encode.list(items), has_more = false, first_id = names[1],
                       last_id = names[#names] })
end


return _M
