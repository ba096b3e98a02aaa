-- When a rate limit is over, where no Retry-After says so: by the reset headers that vendors send, by a member of the error,
-- or by the words of its message. Only for what was refused for its rate: many send these headers with every answer.

local find = string.find
local match = string.match
local max = math.max
local min = math.min
local sub = string.sub

local retry_after = require "core.error.retry_after"

local _M = {}

local EPOCH_S, EPOCH_MS = 1e9, 1e12 -- a bare number from here on is a time, not a span
local TIME_MAX_BYTES = 64 -- of a span or a time in words: a longer one says nothing
local UNIT_MS = { ms = 1, s = 1000, m = 60000, h = 3600000 }
local UNIT_WORDS = { millisecond = 1, second = 1000, sec = 1000, minute = 60000, min = 60000, hour = 3600000 }

-- {when it is reset, how much of it is left}
local HEADERS = {
  { "x-ratelimit-reset-requests", "x-ratelimit-remaining-requests" }, -- OpenAI, Groq, Poe
  { "x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens" },
  { "x-ratelimit-reset", "x-ratelimit-remaining" }, -- OpenRouter, Together
  { "ratelimit-reset", "ratelimit-remaining" },
  { "x-ratelimit-reset-after", "x-ratelimit-remaining" }, -- gateways that Kong's and Discord's ways are copied from
  { "anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining" },
  { "anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining" },
  { "anthropic-ratelimit-input-tokens-reset", "anthropic-ratelimit-input-tokens-remaining" },
  { "anthropic-ratelimit-output-tokens-reset", "anthropic-ratelimit-output-tokens-remaining" },
}
-- Members of an error, and what one of theirs is in milliseconds (strings say their unit).
local MEMBERS = {
  { '"retry_after_ms"%s*:%s*"?([%w.]+)', 1 },
  { '"retry_after"%s*:%s*"?([%w.]+)', 1000 },
  { '"retry_after_seconds"%s*:%s*"?([%w.]+)', 1000 },
  { '"retrydelay"%s*:%s*"([%w.]+)', 1000 },
  { '"x%-ratelimit%-reset"%s*:%s*"?([%w.]+)', 1000 }, -- of the provider behind an aggregator
}
local PHRASES = {
  "try again in ", "retry in ", "retry after ", "try again after ", "please wait ", "available in ", "resets in ",
  "reset in ", "reset after ", "wait for ",
}


-- "6m0s", "1.5s", "20ms" in milliseconds, or nil
local function duration_ms(text)
  local sum, rest = 0, text
  repeat
    local number, unit, tail = match(rest, "^(%d+%.?%d*)(%a+)(.*)$")
    if not number or not UNIT_MS[unit] then
      return nil
    end
    sum, rest = sum + tonumber(number) * UNIT_MS[unit], tail
  until rest == ""
  return sum
end


-- How long until what a header or a member says: a span (a bare number counts in unit_ms), or a time. nil: it is neither.
local function until_ms(text, unit_ms, now_ms)
  if #text > TIME_MAX_BYTES then
    return nil
  end
  local number = find(text, "^%d+%.?%d*$") and tonumber(text)
  if number then
    if number >= EPOCH_MS then
      return max(0, number - now_ms)
    end
    return number >= EPOCH_S and max(0, number * 1000 - now_ms) or number * unit_ms
  end
  local at_ms = retry_after.http_date_ms(text) or retry_after.rfc3339_ms(text)
  return at_ms and max(0, at_ms - now_ms) or duration_ms(text)
end


-- Of the limits that are used up, the last one to end counts; where none is marked as used up, the first of all.
local function by_headers(header, now_ms)
  local used_up, soonest
  for i = 1, #HEADERS do
    local value = header(HEADERS[i][1])
    local wait_ms = value and until_ms(value, 1000, now_ms)
    if wait_ms then
      soonest = min(soonest or wait_ms, wait_ms)
      if tonumber(header(HEADERS[i][2]) or "") == 0 then
        used_up = max(used_up or wait_ms, wait_ms)
      end
    end
  end
  return used_up or soonest
end


local function by_members(text, now_ms)
  for i = 1, #MEMBERS do
    local value = match(text, MEMBERS[i][1])
    local wait_ms = value and until_ms(value, MEMBERS[i][2], now_ms)
    if wait_ms then
      return wait_ms
    end
  end
end


-- "try again in 20s", "in 1m30.5s", "after 6 seconds"
local function by_words(message)
  for i = 1, #PHRASES do
    local _, stop = find(message, PHRASES[i], 1, true)
    local from = stop and stop + 1
    if from then
      local said = sub(message, from, from + TIME_MAX_BYTES - 1)
      local compact = match(said, "^[%d.]+%a[%w.]*")
      local number, word = match(said, "^(%d+%.?%d*) (%a+)")
      local unit_ms = word and UNIT_WORDS[match(word, "^(%a-)s?$")]
      local wait_ms = unit_ms and tonumber(number) * unit_ms or compact and duration_ms((compact:gsub("%.$", "")))
      if wait_ms then
        return wait_ms
      end
    end
  end
end


-- header: lower-case name -> value or nil; text: the body, message: its message, both in lower case. The wait in
-- milliseconds, bounded; nil when nothing says so.
function _M.wait_ms(header, text, message, now_ms)
  local wait_ms = by_members(text, now_ms) or by_headers(header, now_ms) or by_words(message)
  return wait_ms and min(wait_ms, retry_after.LONGEST_MS)
end


return _M
