-- The Content-Type that the caller gets. Of the provider's value only an expected type passes, and its charset, because
-- text that is not UTF-8 would be misread. The other parameters are dropped, and an answer is never passed on as an HTML
-- page.

local match = string.match
local sub = string.sub

local _M = {}

local JSON, STREAM = "application/json", "text/event-stream"
local PASSED_AS = {
  [JSON] = JSON,
  [STREAM] = STREAM,
  ["text/plain"] = "text/plain",
  ["text/html"] = "text/plain",
}


-- content_type: the provider's header in lower case, or nil
function _M.of(content_type)
  local passed = PASSED_AS[content_type]
  if passed or not content_type then
    return passed or JSON
  end
  passed = PASSED_AS[match(content_type, "^[a-z]+/[a-z-]+")] or JSON
  local charset = match(content_type, ';%s*charset="?([a-z0-9_-]+)')
  return charset and passed .. "; charset=" .. charset or passed
end


-- Of a stream of events, whatever its provider calls it.
function _M.of_stream(content_type)
  local passed = _M.of(content_type)
  return sub(passed, 1, #STREAM) == STREAM and passed or STREAM
end


return _M
