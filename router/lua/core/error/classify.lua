-- What a provider's refusal means: status, headers and the start of the body in, a class of the design's table out. The
-- rules are data (rules.lua); the order is provider, common, status. The prober has the same logic in
-- poolkeeper/providers/classify.py. The same vectors test both, and a property test compares their results for any input.

local find = string.find
local lower = string.lower
local match = string.match
local sub = string.sub

local dialects = require "core.error.rules"
local rate_reset = require "core.error.rate_reset"
local retry_after = require "core.error.retry_after"
local words_of = require("core.error.body").of

local _M = {}

local LOOKED_AT_BYTES = 65536
local LIMIT_MAX_DIGITS = 6
local INSIDE_AN_ANSWER = 400 -- the status whose rules read an error inside a 200 that none of 200's own rules know
local NO_RULES = {}
local REQUESTS_OWN = { ContextTooLong = true, Incompatible = true, ClientFault = true }


local function is_status(wanted, status)
  return wanted == status or type(wanted) == "table" and wanted[status] == true
end


-- words: one, or a list of which all must occur.
local function has_all(text, words)
  if type(words) == "string" then
    return find(text, words, 1, true) ~= nil
  end
  for i = 1, #words do
    if not find(text, words[i], 1, true) then
      return false
    end
  end
  return true
end


local function fits(rule, status, words, text)
  return (not rule.status or is_status(rule.status, status))
    and (not rule.code or rule.code == words.code)
    and (not rule.type or rule.type == words.type)
    and (not rule.starts or sub(words.message, 1, #rule.starts) == rule.starts)
    and (not rule.says or has_all(words.own, rule.says))
    and (not rule.has or has_all(text, rule.has))
end


local function first_fitting(rules, status, words, text)
  for i = 1, #rules do
    if fits(rules[i], status, words, text) then
      return rules[i]
    end
  end
end


-- An error inside a 200 may say which status it would have been, as a number or as a word.
local function effective_status(status, words)
  if status ~= 200 then
    return status
  end
  if find(words.code, "^[45]%d%d$") then
    return tonumber(words.code)
  end
  return dialects.WORD_STATUS[words.type ~= "" and words.type or words.code] or status
end


local function rule_for(provider, status, words, text)
  local rule = first_fitting(dialects.PROVIDERS[provider] or NO_RULES, status, words, text)
    or first_fitting(dialects.COMMON, status, words, text)
  if not rule and status == 200 and words.message ~= "" and sub(words.message, 1, 1) ~= "<" then
    rule = first_fitting(dialects.COMMON, INSIDE_AN_ANSWER, words, text)
  end
  return rule or dialects.STATUS[status] or dialects.STATUS_FAMILY[math.floor(status / 100)] or dialects.STATUS_FAMILY[5]
end


local function limit_in(message)
  local digits = match(message, "concurrency limit of (%d+)")
  return digits and #digits <= LIMIT_MAX_DIGITS and tonumber(digits) or nil
end


-- A caller's own fault in a status that clients try again on (429, 5xx) would be sent again as it is.
local function status_for_caller(seen, class)
  local is_tried_again = seen == 429 or seen >= 500
  return (seen == 200 or is_tried_again and REQUESTS_OWN[class]) and 400 or seen
end


-- header: lower-case name -> value or nil. Gives the class, reason, status (what a caller would get, never 200),
-- retry_after_ms (nil: not stated), and limit, a connection limit that the provider names.
function _M.refusal(status, header, body, provider, now_ms)
  local text = lower(sub(body, 1, LOOKED_AT_BYTES))
  local words = words_of(text)
  local seen = effective_status(status, words)
  local rule = rule_for(provider, seen, words, text)
  local wait_ms = retry_after.wait_ms(header, now_ms)
  if not wait_ms and rule.class == "RateLimited" then
    wait_ms = rate_reset.wait_ms(header, text, words.message, now_ms)
  end
  return {
    class = rule.class,
    reason = rule.reason,
    status = status_for_caller(seen, rule.class),
    retry_after_ms = wait_ms,
    limit = rule.class == "RateLimited" and limit_in(words.message) or nil,
  }
end


return _M
