-- When are two requests the same? When all they say is the same, in any order of the members, but for how the answer is to
-- be handed over (streamed or not). Values are compared as they were written: no two different requests are ever taken for
-- one, and callers that repeat themselves do it byte by byte.

local sub = string.sub

local _M = {}

local NOT_ASKED = { stream = true, stream_options = true }
local SEPARATOR = "\0"


-- surface: its name; owner: who may be answered with it ("" = anybody); parsed: a request (pool/request.lua). A text that
-- only equal requests share.
function _M.of(surface, owner, parsed)
  local body, members, parts = parsed.body, parsed.members, {}
  for i = 1, #members, 3 do
    if not NOT_ASKED[members[i]] then
      parts[#parts + 1] = members[i] .. ":" .. sub(body, members[i + 1], members[i + 2])
    end
  end
  table.sort(parts)
  return surface .. SEPARATOR .. owner .. SEPARATOR .. table.concat(parts, SEPARATOR)
end


return _M
