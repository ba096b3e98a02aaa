-- Answers of OpenAI's chat and text completions in the other form: a whole one as a stream, a stream as a whole one. Texts
-- are put together, calls gathered, and everything else is passed on as it was written, so nothing is lost: probabilities,
-- refusals, reasoning, fingerprints, members that nobody here knows.

local edit = require "core.json.edit"
local scan = require "core.json.scan"
local sse = require "core.answer.sse"
local tool_calls = require "core.answer.tool_calls"

local concat = table.concat
local find = string.find

local _M = {}

local NULL = "null"
-- Of a delta: no text to be put together.
local SAID_ONCE = { role = true }


-- a whole answer as a stream

-- A message's calls as a delta has them: each with its index.
local function numbered(calls)
  local items = calls and edit.items(calls)
  for i = 1, items and #items or 0 do
    items[i] = edit.set(items[i], { index = ("%d"):format(i - 1) }) or items[i]
  end
  return items and items[1] and edit.list(items) or false
end


local function events_of_choice(base, choice, position)
  local index = edit.get(choice, "index") or ("%d"):format(position - 1)
  local message = edit.get(choice, "message")
  local function event(changes)
    return sse.event(edit.set(base, { choices = edit.list({ edit.set(choice, changes) }) }))
  end
  if not message or message == NULL then
    return event({ index = index })
  end
  local delta = edit.set(message, { tool_calls = numbered(edit.get(message, "tool_calls")) })
  return delta and event({ index = index, message = false, delta = delta, finish_reason = NULL })
    .. event({ index = index, message = false, delta = "{}", logprobs = false })
end


-- body: a whole answer as JSON text. nil when it is none. wants_usage: with its account of tokens?
function _M.as_stream(body, surface_name, wants_usage)
  local object = surface_name == "chat" and '"chat.completion.chunk"' or nil
  local base = edit.set(body, { choices = false, usage = false, object = object })
  local list = base and edit.get(body, "choices")
  local choices, events = list and edit.items(list), {}
  for i = 1, choices and #choices or 0 do
    events[i] = find(choices[i], "^{") and events_of_choice(base, choices[i], i)
    if not events[i] then
      return nil
    end
  end
  if not events[1] then
    return nil
  end
  local usage = wants_usage and edit.get(body, "usage")
  if usage and usage ~= NULL then
    events[#events + 1] = sse.event(edit.set(base, { choices = "[]", usage = usage }))
  end
  return concat(events) .. sse.event("[DONE]")
end


-- a stream as a whole answer

local function append(parts, more)
  for i = 1, more and #more or 0 do
    parts[#parts + 1] = more[i]
  end
end


-- texts: name -> pieces; lists: name -> items as JSON text; raw: name -> the last value as JSON text; calls: by place
local function new_choice(index)
  return { index = index, texts = {}, lists = {}, raw = {}, role = nil, calls = {}, places = tool_calls.new(), logprobs = {},
           members = {} }
end


local function add_call(choice, raw, call, position)
  local place = choice.places:place_of(call, position)
  local known = choice.calls[place]
  if not known then
    known = { raw = raw, names = {}, arguments = {} }
    choice.calls[place] = known
  end
  local name, arguments = tool_calls.parts(call)
  if name ~= concat(known.names) then -- some say it with every piece
    known.names[#known.names + 1] = name
  end
  known.arguments[#known.arguments + 1] = arguments
end


local function add_member(choice, name, value, raw)
  if type(value) == "string" and not SAID_ONCE[name] then
    choice.texts[name] = choice.texts[name] or {}
    choice.texts[name][#choice.texts[name] + 1] = value
  elseif find(raw, "^%[") then
    choice.lists[name] = choice.lists[name] or {}
    append(choice.lists[name], edit.items(raw))
  elseif raw ~= NULL or not choice.raw[name] then
    choice.raw[name] = raw
  end
end


local function add_delta(choice, raw, delta)
  for name, value in pairs(delta) do
    local its_raw = edit.get(raw, name) or NULL
    if name == "tool_calls" and type(value) == "table" then
      local items = edit.items(its_raw)
      for position = 1, #value do
        add_call(choice, items[position], value[position], position)
      end
    else
      add_member(choice, name, value, its_raw)
    end
  end
end


-- The lists of a choice's probabilities, each with what is new.
local function add_logprobs(choice, raw)
  for _, name in ipairs({ "content", "refusal", "tokens", "token_logprobs", "top_logprobs", "text_offset" }) do
    local list = edit.get(raw, name)
    local items = list and edit.items(list)
    if items then
      choice.logprobs[name] = choice.logprobs[name] or {}
      append(choice.logprobs[name], items)
    end
  end
end


local function add_choice(choices, raw, value)
  local index = tonumber(value.index) or 0
  local choice = choices[index] or new_choice(index)
  choices[index] = choice
  local delta = edit.get(raw, "delta")
  if type(value.delta) == "table" then
    add_delta(choice, delta, value.delta)
  end
  if type(value.text) == "string" then
    add_member(choice, "text", value.text, NULL)
  end
  if type(value.logprobs) == "table" then
    add_logprobs(choice, edit.get(raw, "logprobs"))
  end
  local reason = edit.get(raw, "finish_reason")
  choice.finish_reason = reason and reason ~= NULL and reason or choice.finish_reason
end


local function listed(members, lists)
  for name, items in pairs(lists) do
    members[name] = edit.list(items)
  end
end


local function calls_of(choice)
  local places, calls = {}, {}
  for place in pairs(choice.calls) do
    places[#places + 1] = place
  end
  table.sort(places)
  for i, place in ipairs(places) do
    local call = choice.calls[place]
    calls[i] = edit.set(call.raw, { index = false, ["function"] = ('{"name":%s,"arguments":%s}'):format(
      scan.quote(concat(call.names)), scan.quote(concat(call.arguments))) })
  end
  return calls[1] and edit.list(calls)
end


local function message_of(choice)
  local members = { role = '"assistant"', content = NULL }
  for name, raw in pairs(choice.raw) do
    members[name] = raw
  end
  listed(members, choice.lists)
  for name, pieces in pairs(choice.texts) do
    members[name] = scan.quote(concat(pieces))
  end
  members.tool_calls = calls_of(choice)
  if members.tool_calls and members.content == '""' then
    members.content = NULL
  end
  return edit.set("{}", members)
end


local function whole_choice(choice, is_chat)
  local members = { index = ("%d"):format(choice.index), finish_reason = choice.finish_reason or NULL, logprobs = NULL }
  if next(choice.logprobs) then
    local logprobs = {}
    listed(logprobs, choice.logprobs)
    members.logprobs = edit.set("{}", logprobs)
  end
  if is_chat then
    members.message = message_of(choice)
  else
    members.text = scan.quote(concat(choice.texts.text or {}))
  end
  return edit.set("{}", members)
end


-- text: the events of a complete stream. nil when they are none of an answer.
function _M.assemble(text, decode, surface_name)
  local base, usage, choices, indexes, items = nil, nil, {}, {}, {}
  for _, data in ipairs(sse.all(text)) do
    local value = data ~= "[DONE]" and decode(data)
    local list = type(value) == "table" and type(value.choices) == "table" and edit.items(edit.get(data, "choices")) or {}
    base = base or list[1] and data
    for i = 1, #list do
      add_choice(choices, list[i], value.choices[i])
    end
    if type(value) == "table" and type(value.usage) == "table" then
      usage = edit.get(data, "usage")
    end
  end
  for index in pairs(choices) do
    indexes[#indexes + 1] = index
  end
  table.sort(indexes)
  for i, index in ipairs(indexes) do
    items[i] = whole_choice(choices[index], surface_name == "chat")
  end
  return base and edit.set(base, {
    object = surface_name == "chat" and '"chat.completion"' or nil, choices = edit.list(items), usage = usage or false,
  })
end


return _M
