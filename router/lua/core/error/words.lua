-- What a refusal says to a reader, wherever its provider puts that: {"error": {"message"}} is OpenAI's way; FastAPI says it
-- in a list of details, Google in a list of errors, others in msg, error_msg, errors, fault. For people: what a refusal
-- means is read by body.lua.

local sse = require "core.answer.sse"

local concat = table.concat
local find = string.find
local match = string.match
local sub = string.sub

local _M = {}

local TEXT_MAX_BYTES = 1000
local DEPTH_MAX, ITEMS_MAX = 5, 8
-- Members that hold the words, the most informative first.
local MEMBERS = {
  "message", "Message", "error_message", "errorMessage", "error_msg", "errmsg", "err_msg", "msg", "error_description",
  "detail", "details", "error", "errors", "description", "reason", "status_msg", "base_resp", "fault", "faultstring",
  "title",
}

local said


-- FastAPI: where in the request, and what is wrong there.
local function said_at(value)
  local place = {}
  for i = 1, type(value.loc) == "table" and #value.loc or 0 do
    place[i] = tostring(value.loc[i])
  end
  return type(value.msg) == "string" and place[1] and concat(place, ".") .. ": " .. value.msg
end


local function said_in_list(items, depth)
  local all = {}
  for i = 1, math.min(#items, ITEMS_MAX) do
    all[#all + 1] = said(items[i], depth)
  end
  return all[1] and concat(all, "; ")
end


-- The words in a decoded value; nil when there are none.
function said(value, depth)
  if type(value) == "string" then
    return match(value, "%S") and sub(value, 1, TEXT_MAX_BYTES) or nil
  end
  if type(value) ~= "table" or depth > DEPTH_MAX then
    return nil
  end
  local found = said_at(value) or said_in_list(value, depth + 1)
  for i = 1, found and 0 or #MEMBERS do
    found = found or said(value[MEMBERS[i]], depth + 1)
  end
  return found
end


-- Some answer with an event even when they refuse.
local function unwrapped(body, decode)
  if find(body, "^%s*data:") or find(body, "^%s*event:") then
    local event = match(body, "^%s*(.-\n)\r?\n") or body .. "\n"
    return decode((sse.data(event)))
  end
  return decode(body)
end


-- A body's words; "" when nothing in it is for a reader (a page, a broken document, members without words).
function _M.of(body, decode)
  local value = unwrapped(body, decode)
  if value ~= nil then
    return said(value, 1) or ""
  end
  if find(body, "^%s*<[?%a]") then
    return match(body, "<[Mm]essage>%s*([^<]-)%s*</") or ""
  end
  return find(body, "^%s*[<{%[]") and "" or match(sub(body, 1, TEXT_MAX_BYTES), "^%s*(.-)%s*$")
end


return _M
