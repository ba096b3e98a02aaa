-- What the body of a refusal says: its code, its type and its message, wherever the provider puts them.
--
-- A scan, and no parser: bodies come cut, in no known shape, or as plain text, and both languages must read the same from
-- the same bytes (operator/poolkeeper/providers/error_body.py is this file again). It steps over strings and reads only what
-- stands at the places below: a refusal may quote what the caller sent, also as JSON, and no caller may give himself a code.

local byte = string.byte
local find = string.find
local match = string.match
local sub = string.sub

local _M = {}

local QUOTE, BACKSLASH, APOSTROPHE = 34, 92, 39
local OPEN_BRACE, OPEN_BRACKET = 123, 91

local ROOT = ""
local LIST = "["
-- The objects that are looked into, also the first of a list, and what the names of their members start with.
local INSIDE = {
  ["error"] = "error.", ["error.metadata"] = "error.metadata.", base_resp = "base_resp.",
  errors = "error.", detail = "error.", ["error.error"] = "error.", fault = "error.",
}
local MESSAGES = {
  "error.message", "error", "message", "detail", "error_message", "error_msg", "msg", "base_resp.status_msg",
  "error.error", "error.msg", "error.detail", "error.faultstring", "title",
}
local OWN_MAX_BYTES = 400
local PROCESS = '^%[address=[^"]-, pid=%d+%] ?()' -- Xinference names the process that failed in front of its words


-- pos: behind the opening quote; gives the position of the closing one
local function string_end(text, pos)
  while true do
    pos = find(text, '["\\]', pos)
    if not pos or byte(text, pos) ~= BACKSLASH then
      return pos
    end
    pos = pos + 2
  end
end


-- Reads the value at pos of the member `name`; gives the position behind it, or behind its opening bracket. inside: what
-- the names of the members of each open object start with, false for those that are not looked into.
local function take(text, pos, name, said, inside)
  local prefix = inside[#inside]
  local opening = byte(text, pos)
  if opening == OPEN_BRACE or opening == OPEN_BRACKET then
    local within = prefix and INSIDE[prefix .. name] or false
    inside[#inside + 1] = within and opening == OPEN_BRACKET and LIST .. within or within
    return pos + 1
  end
  local value, after
  if opening == QUOTE then
    local last = string_end(text, pos + 1)
    value = sub(text, pos + 1, last and last - 1)
    after = last and last + 1 or #text + 1
  else
    value = match(text, "^[A-Za-z0-9_.+-]*", pos)
    after = pos + #value
  end
  if prefix and value ~= "" and value ~= "null" then
    said[prefix .. name] = said[prefix .. name] or value
  end
  return after
end


-- What the names of an object's members start with that stands in a list; only the first item is looked into.
local function first_item(inside)
  local around = inside[#inside]
  if not around or sub(around, 1, 1) ~= LIST then
    return false
  end
  inside[#inside] = false
  return sub(around, 2)
end


-- The members with a plain value of the objects that are looked into; the first of a name counts.
local function members(text, pos)
  local said, inside = {}, { ROOT }
  while #inside > 0 do
    local at = find(text, '["{}%[%]]', pos)
    if not at then
      break
    end
    local char = byte(text, at)
    pos = at + 1
    if char == OPEN_BRACE or char == OPEN_BRACKET then
      inside[#inside + 1] = char == OPEN_BRACE and first_item(inside)
    elseif char ~= QUOTE then
      inside[#inside] = nil
    else
      local last = string_end(text, pos)
      if not last then
        break
      end
      local name = sub(text, pos, last - 1)
      local value = match(text, "^[ \t\r\n]*:[ \t\r\n]*()", last + 1)
      pos = value and take(text, value, name, said, inside) or last + 1
    end
  end
  return said
end


-- The provider's own words: the message up to a quotation mark or a colon, behind which it may quote anybody.
local function own_words(message)
  message = sub(message, 1, OWN_MAX_BYTES)
  local stop = find(message, '["`:\\]') or #message + 1
  local apostrophe = byte(message, 1) == APOSTROPHE and 0 or find(message, "[^a-z]'")
  return sub(message, 1, math.min(stop - 1, apostrophe or stop))
end


local function with_own_words(said)
  said.own = own_words(said.message)
  return said
end


local function first_of(said, names)
  for i = 1, #names do
    if said[names[i]] then
      return said[names[i]]
    end
  end
  return ""
end


-- text: a body in lower case. {code, type, message, own}, each empty where the body says nothing of the kind. Plain text,
-- and a string as JSON, is a message as a whole.
function _M.of(text)
  local pos = match(text, "^[ \t\r\n]*()")
  if byte(text, pos) == OPEN_BRACKET then
    pos = match(text, "^[ \t\r\n]*()", pos + 1)
  end
  if byte(text, pos) ~= OPEN_BRACE then
    return with_own_words({ code = "", type = "", message = match(text, '^[ \t\r\n"]*(.*)$') })
  end
  local said = members(text, pos + 1)
  local message = first_of(said, MESSAGES)
  return with_own_words({
    code = said["error.code"] or said["code"] or said["error_code"] or said["base_resp.status_code"] or "",
    type = said["error.metadata.error_type"] or said["error.type"] or said["type"] or said["error_type"] or "",
    message = sub(message, match(message, PROCESS) or 1),
  })
end


return _M
