-- A provider's refusal as the caller gets it. Clients read errors in one form, {"error": {"message"}}. An error in a
-- provider's own form (a bare code and message, a word, plain text) is converted to it. A firewall's page is named.

local words_of = require("core.error.words").of

local find = string.find
local lower = string.lower
local sub = string.sub

local _M = {}

local PAGE_MAX_BYTES = 16384
local CODES = { ContextTooLong = "context_length_exceeded" }
-- Words of a firewall's page -> whose it is.
local FIREWALLS = {
  { "cloudflare", "Cloudflare" }, { "cloudfront", "CloudFront" }, { "request could not be satisfied", "CloudFront" },
  { "akamai", "Akamai" }, { "&#35;", "Akamai" }, { "incapsula", "Imperva" }, { "imperva", "Imperva" },
  { "sucuri", "Sucuri" }, { "errors.aliyun.com", "Alibaba Cloud" }, { "mod_security", "ModSecurity" },
  { "application-gateway", "Azure" }, { "azure front door", "Azure" }, { "support id", "F5" },
}
local BLOCKED = "A firewall before the provider%s blocked this request with status %d, for its words or where it comes from."
  .. " The provider itself has not seen it."
local ANY_CODE = "refused_by_provider"


-- A firewall's page does not help its reader. That it was a firewall, and whose, does.
local function of_firewall(body, status)
  local page, name = lower(sub(body, 1, PAGE_MAX_BYTES)), nil
  for i = 1, #FIREWALLS do
    name = name or find(page, FIREWALLS[i][1], 1, true) and FIREWALLS[i][2]
  end
  return BLOCKED:format(name and " (" .. name .. ")" or "", status)
end


-- failure: class, reason, status, answer {body, content_type}. protocol: the caller's. The body and its content type.
function _M.of(failure, protocol, decode)
  local answer = failure.answer
  if failure.status == 200 and failure.class == "Empty" then
    return answer.body, answer.content_type -- no refusal: an answer that says nothing
  end
  local value = decode(answer.body)
  local message = type(value) == "table" and type(value.error) == "table" and value.error.message
  if type(message) == "string" and find(message, "%S") then
    return answer.body, answer.content_type
  end
  local is_firewalls = failure.reason == "FirewallBlocked"
  local text = is_firewalls and of_firewall(answer.body, failure.status) or words_of(answer.body, decode)
  message = text ~= "" and text or ("The provider refused the request with status %d."):format(failure.status)
  local code = is_firewalls and "blocked_by_firewall" or CODES[failure.class] or ANY_CODE
  return protocol.error_body(message, code, failure.status), "application/json"
end


return _M
