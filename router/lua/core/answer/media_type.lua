-- The type of a body as the caller is told it. Of what a provider says there, only what it may be is passed on: the rest of
-- the line is nobody's business, and a page has no business to be one at the caller's.

local match = string.match

local _M = {}

local JSON = "application/json"
local TOLD_AS = {
  [JSON] = JSON,
  ["text/event-stream"] = "text/event-stream",
  ["text/plain"] = "text/plain",
  ["text/html"] = "text/plain",
}


-- content_type: the provider's header in lower case, or nil
function _M.of(content_type)
  return TOLD_AS[content_type] or content_type and TOLD_AS[match(content_type, "^[a-z]+/[a-z-]+")] or JSON
end


return _M
