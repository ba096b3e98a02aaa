-- What a provider's refusal means: status, headers and the start of the body in, a class of the design's table out.
-- The rules are data (dialects.lua); the order is provider, common, status.

local find = string.find
local lower = string.lower
local sub = string.sub

local dialects = require "pool.dialects"
local retry_after = require "pool.retry_after"

local _M = {}

local LOOKED_AT_BYTES = 4096
local NO_RULES = {}


local function fits(rule, status, code, message, text)
  return (not rule.status or rule.status == status)
    and (not rule.code or rule.code == code)
    and (not rule.starts or sub(message, 1, #rule.starts) == rule.starts)
    and (not rule.has or find(text, rule.has, 1, true) ~= nil)
end


local function first_fitting(rules, status, code, message, text)
  for i = 1, #rules do
    if fits(rules[i], status, code, message, text) then
      return rules[i]
    end
  end
end


-- An error inside a 200 may say which status it would have been (OpenRouter: a number or a string of digits).
local function effective_status(status, code)
  local number = code and #code == 3 and tonumber(code)
  if status == 200 and number and number >= 400 and number < 600 then
    return number
  end
  return status
end


-- header: lower-case name -> value or nil. The verdict: class, reason, retry_after_ms (nil: not said), and for a
-- concurrency limit named in the text, limit.
function _M.refusal(status, header, body, provider, now_ms)
  local text = lower(sub(body, 1, LOOKED_AT_BYTES))
  local code = text:match('"code"%s*:%s*"?([%w_%-]+)')
  local message = text:match('"message"%s*:%s*"([^"]*)') or ""
  local seen = effective_status(status, code)
  local rule = first_fitting(dialects.PROVIDERS[provider] or NO_RULES, seen, code, message, text)
    or first_fitting(dialects.COMMON, seen, code, message, text)
    or dialects.STATUS[seen]
    or dialects.STATUS_FAMILY[math.floor(seen / 100)]
    or dialects.STATUS_FAMILY[5]
  local limit = rule.class == "RateLimited" and message:match("concurrency limit of (%d+)")
  return {
    class = rule.class,
    reason = rule.reason,
    status = seen,
    retry_after_ms = retry_after.wait_ms(header, now_ms),
    limit = limit and tonumber(limit) or nil,
  }
end


return _M
