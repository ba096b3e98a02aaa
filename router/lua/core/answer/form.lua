-- The form an answer comes in, a stream of events or a whole, known by its first bytes: Content-Type is missing or wrong
-- often enough (text/plain, application/json for events), and who asked for one form may be given the other.

local byte = string.byte
local find = string.find
local sub = string.sub

local _M = {}

_M.STREAM, _M.WHOLE = "stream", "whole"

local COLON, OPEN_BRACKET, OPEN_BRACE = 58, 91, 123
local LONGEST_FIELD = 6 -- "event:", "retry:"
local FIELDS = { "data", "event", "id", "retry" }


-- start: the first bytes that are not blank, without a byte order mark. content_type: the provider's, or nil. Gives the
-- form; nil while it depends on bytes that have not come.
function _M.of(start, content_type)
  local first = byte(start)
  if first == OPEN_BRACE or first == OPEN_BRACKET then
    return _M.WHOLE
  elseif first == COLON then
    return _M.STREAM
  end
  for i = 1, #FIELDS do
    local field = FIELDS[i] .. ":"
    if sub(start, 1, #field) == field then
      return _M.STREAM
    end
    if #start < LONGEST_FIELD and sub(field, 1, #start) == start then
      return nil
    end
  end
  return content_type and find(content_type, "text/event-stream", 1, true) and _M.STREAM or _M.WHOLE
end


return _M
