-- May a refusal mean what the router added to the request (stream_options, or a stream for an answer that its caller wants
-- whole) and not what its caller wrote?

local contains_any = require "core.json.contains_any"

local find = string.find
local lower = string.lower
local sub = string.sub

local _M = {}

local LOOKED_AT_BYTES = 65536
local FORBIDDEN = 403 -- which may be the member that it names, and not the key
local NAMES = { "stream_options", "include_usage", "stream options", "streamoptions" }
-- How servers say that they do not know a member, often without its name.
local UNKNOWN = {
  "unknown parameter", "unknown field", "unknown argument", "unrecognized", "unrecognised", "unexpected keyword",
  "unexpected field", "unexpected parameter", "extra inputs are not permitted", "extra fields not permitted",
  "additional properties", "unsupported parameter", "unsupported field", "unsupported option",
}
-- A server's own error is about streams only where it says that it cannot.
local CANNOT = { "not ", "n't ", "cannot", "unsupported", "only " }
-- Refusals that are not about the request's form, whatever they quote.
local NEVER = { RateLimited = true, Credential = true, Busy = true, ContextTooLong = true, Empty = true }


local function names_a_member(text, members)
  for i = 1, #members, 3 do
    if find(members[i], "^[%w_]+$") and find(text, "%f[%w_]" .. lower(members[i]) .. "%f[^%w_]") then
      return true
    end
  end
  return false
end


-- failure: as classified, with the provider's answer. members: of the caller's body, as scan.members has them.
function _M.may_be(failure, members)
  local answer = failure.answer
  if not answer or NEVER[failure.class] and answer.status ~= FORBIDDEN then
    return false
  end
  local text = lower(sub(answer.body, 1, LOOKED_AT_BYTES))
  return contains_any(text, NAMES)
    or not NEVER[failure.class] and contains_any(text, UNKNOWN) and not names_a_member(text, members)
end


-- The same of a request that was made one for a stream.
function _M.may_be_stream(failure)
  local answer = failure.answer
  if not answer or NEVER[failure.class] then
    return false
  end
  local text = lower(sub(answer.body, 1, LOOKED_AT_BYTES))
  return find(text, "%f[%a]stream") ~= nil and (answer.status < 500 or contains_any(text, CANNOT))
end


return _M
