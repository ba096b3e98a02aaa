-- A provider's refusal as its caller is told it. Clients read errors by one shape, {"error": {"message"}}; what comes in a
-- provider's own (a bare code and message, a word, plain text) is said again in that.

local find = string.find
local match = string.match
local sub = string.sub

local _M = {}

local TEXT_MAX_BYTES = 1000
local CODES = { ContextTooLong = "context_length_exceeded" }
local ANY_CODE = "refused_by_provider"


local function text_of(value, body)
  if type(value) == "table" then
    for _, words in ipairs({ value.error or "", value.message or "", value.detail or "" }) do
      if type(words) == "string" and words ~= "" then
        return words
      end
    end
  elseif type(value) == "string" then
    return value
  elseif not find(body, "^%s*[<{%[]") then
    return match(sub(body, 1, TEXT_MAX_BYTES), "^%s*(.-)%s*$")
  end
  return ""
end


-- failure: class, status, answer {body, content_type}. protocol: the caller's. The body and its content type.
function _M.of(failure, protocol, decode)
  local answer = failure.answer
  if failure.status == 200 and failure.class == "Empty" then
    return answer.body, answer.content_type -- no refusal: an answer that says nothing
  end
  local value = decode(answer.body)
  if type(value) == "table" and type(value.error) == "table" then
    return answer.body, answer.content_type
  end
  local text = text_of(value, answer.body)
  local message = text ~= "" and text or ("The provider refused the request with status %d."):format(failure.status)
  return protocol.error_body(message, CODES[failure.class] or ANY_CODE, failure.status), "application/json"
end


return _M
