-- OpenAI's protocol: chat and text completions, embeddings. What a protocol is, see core/protocol/surface.lua.

local find = string.find
local match = string.match
local max = math.max
local min = math.min
local sub = string.sub

local chunk = require "core.answer.chunk"
local cut_reason = require "core.answer.cut_reason"
local encode = require "core.json.encode"
local chat_assembly = require "core.forms.chat_assembly"
local forms = require "core.forms.openai"
local lenient = require "core.json.lenient"
local peek = require "core.json.peek"
local says_error = require "core.answer.says_error"
local sketch = require "core.json.sketch"

local _M = {}

local TYPE = "poolkeeper_error"
local HEAD_BYTES, TAIL_BYTES = 512, 1024 -- where an answer's own members stand
local USAGE_TAIL_BYTES = 1024 -- usage is the last member of an answer, or nearly so
local STRING = '^%s*:%s*"([^"]*)"'
local LISTS = { choices = '"choices"', data = '"data"' }

_M.DONE_EVENT = "data: [DONE]\n\n"

_M.as_stream, _M.new_assembly = forms.as_stream, chat_assembly.new


function _M.new_reader(decode, choices)
  return chunk.new(decode, choices, forms.as_stream)
end


function _M.error_body(message, code)
  return encode.encode({ error = { message = message, type = TYPE, param = encode.NULL, code = code } })
end


function _M.error_event(message, code)
  return "data: " .. _M.error_body(message, code) .. "\n\n"
end


local ITEM = "^%s*:%s*%[%s*{" -- behind the name of an answer's list


-- Is the second brace the one of the list's first item? Some wrap the whole answer into an object of theirs.
local function begins_with_item(body, member)
  local first = find(body, "{", 1, true)
  local second = first and find(body, "{", first + 1, true)
  local start, stop = find(body, LISTS[member], first, true)
  if not second or not start or start > second then
    return false
  end
  local _, item = find(body, ITEM, stop + 1)
  return item == second
end


-- Has it items, and has an item the member that says something?
local function looks_like_one(body, member)
  return begins_with_item(body, member) and (member == "data" or peek.behind(body, '"message"', "^%s*:%s*({)")
                                       or peek.behind(body, '"text"', '^%s*:%s*(")')) and true or false
end


-- Does a decoded answer have items, and is each choice one that says something, be it nothing?
local function has_items(items, member)
  if type(items) ~= "table" or #items == 0 then
    return false
  end
  for i = 1, #items do
    local item = items[i]
    if type(item) ~= "table"
        or member == "choices" and type(item.message) ~= "table" and type(item.text) ~= "string" then
      return false
    end
  end
  return true
end


local function is_one(value, member)
  return type(value) == "table" and has_items(value[member], member)
    and not says_error(value.error)
end


-- Is a complete body of status 200 an answer? member: the list that one of this surface has ("choices"). Looks at the text
-- only as far as it must; decode is asked when braces inside strings make the quick look useless, when the list does not
-- look like one of an answer, and when an "error" occurs, which may be a null, a member of something deeper, or the busy
-- answer that came as a 200.
local function is_answer(body, decode, member)
  if find(body, '"error"', 1, true) or not looks_like_one(body, member) or not find(body, "^%s*%b{}%s*$") then
    return is_one(lenient(decode, body), member)
  end
  return true
end


-- Does an answer say of itself that it was cut? Its native_finish_reason counts, too.
local function cut_reason_of(body, from)
  local at, reason = peek.behind(body, 'finish_reason"', STRING, from)
  if not at then
    return nil
  end
  if cut_reason(reason) then
    return reason
  end
  return cut_reason_of(body, at + 1)
end


local function number_after(text, name, from)
  local _, stop = find(text, name, from, true)
  return stop and tonumber(match(text, "^%s*(%d+)", stop + 1))
end


-- The account of tokens in an answer's text, found without decoding.
local function usage_of(body)
  local from = find(body, '"usage"', max(1, #body - USAGE_TAIL_BYTES), true)
  if not from then
    return nil
  end
  return { prompt_tokens = number_after(body, '"prompt_tokens":', from),
           completion_tokens = number_after(body, '"completion_tokens":', from),
           cached_tokens = number_after(body, '"prompt_cache_hit_tokens":', from)
             or number_after(body, '"cached_tokens":', from),
           reasoning_tokens = number_after(body, '"reasoning_tokens":', from) }
end


-- A long answer, of which only a sketch is decoded (core/json/sketch.lua).
local function read_long(value, member)
  if not is_one(value, member) then
    return false
  end
  local cut
  for i = 1, member == "choices" and #value.choices or 0 do
    local choice = value.choices[i]
    for _, reason in ipairs({ tostring(choice.finish_reason), tostring(choice.native_finish_reason) }) do
      cut = cut or cut_reason(reason) and reason or nil
    end
  end
  return true, cut, type(value.usage) == "table" and value.usage or nil,
    { model = value.model, fingerprint = value.system_fingerprint, provider = value.provider }
end


local function text_after(text, name)
  return (select(2, peek.behind(text, name, STRING)))
end


-- What an answer says it comes from, found without decoding in what stands before its list or after it. What its list says
-- may be anything.
local function origin_of(body, member)
  local list = find(body, LISTS[member], 1, true) or 1
  local before, tail = sub(body, 1, min(list, HEAD_BYTES)), max(list, #body - TAIL_BYTES) - 1
  local stop = peek.last(body, "]", tail)
  local after = sub(body, stop > tail and stop + 1 or #body + 1)
  return { model = text_after(before, '"model"') or text_after(after, '"model"'),
           fingerprint = text_after(before, '"system_fingerprint"') or text_after(after, '"system_fingerprint"'),
           provider = text_after(before, '"provider"') or text_after(after, '"provider"') }
end


-- Of an answer: true, why it was cut, its account, what it comes from {model, fingerprint, provider}.
function _M.read_whole(body, decode, member)
  if sketch.is_long(body) then
    return read_long(decode(body), member)
  end
  if not is_answer(body, decode, member) then
    return false
  end
  return true, cut_reason_of(body), usage_of(body), origin_of(body, member)
end


return _M
