-- A stream of OpenAI's chat or text completions as the whole answer that it would have been, put together event by event:
-- texts and arguments in pieces, lists item by item, of everything else the last that was said. Values stay as they were
-- written (digits, escapes, members that nobody here knows), and are kept once.

local byte = string.byte
local find = string.find

local edit = require "core.json.edit"
local events = require "core.forms.events"
local frame = require "core.answer.frame"
local audio_assembly = require "core.forms.audio_assembly"
local call_assembly = require "core.forms.call_assembly"
local part_assembly = require "core.forms.part_assembly"
local pieces = require "core.forms.pieces"

local inner, text_of, keep, put = pieces.inner, pieces.text_of, pieces.keep, pieces.put

local _M = {}
local assembly = {}
assembly.__index = assembly

local QUOTE, OPEN_BRACKET, OPEN_BRACE = 34, 91, 123
local NULL = "null"
local NO_REASON = { [NULL] = true, ['""'] = true, ['"null"'] = true }
-- The members that hold a chunk's text, most frequent first; each is learned by its own frame.
local TEXT_KEYS = { "content", "reasoning_content", "text", "reasoning" }
-- Of a delta: no text to be put together; text that may repeat itself.
local SAID_ONCE = { role = true }
local IS_TEXT = { content = true, reasoning_content = true, text = true, reasoning = true, refusal = true }
-- Of a chunk, a choice, a delta: what has a place of its own in the whole answer, or is the first chunk's.
local OF_ANSWER = { id = true, object = true, created = true, model = true, choices = true, usage = true }
local OF_CHOICE = { index = true, delta = true, message = true, text = true, logprobs = true, finish_reason = true }
-- Lists of parts that come in pieces themselves.
local PARTS = { content = true, reasoning_details = true, thinking_blocks = true }

-- What a provider's whole answers have that its streams do not show. numbers_calls: do calls keep their index?
-- is_never_null: is a text that was not said "", not null?
local WAYS = {
  DeepSeek = { numbers_calls = true, is_never_null = true },
}
local PLAIN = {}


-- decode: JSON text -> value, asked for tool calls only. size: bytes kept so far. given: surface (its name), provider
function _M.new(decode, given)
  return setmetatable({
    decode = decode, is_chat = given.surface == "chat", way = WAYS[given.provider] or PLAIN, frame = frame.new(),
    target = nil, size = 0, base = nil, members = {}, choices = {}, usage = nil,
  }, assembly)
end


-- delta, own: {lists, last} of what the deltas said, and the choice itself: lists grow, of other values the last counts.
-- texts: name -> pieces; parts: name -> parts
local function new_choice(index)
  return { index = index, texts = {}, words = {}, parts = {}, delta = { lists = {}, last = {} },
           own = { lists = {}, last = {} }, calls = call_assembly.new(), function_call = nil, audio = nil,
           logprobs = {}, finish_reason = nil }
end


local function add_items(self, lists, name, raw)
  lists[name] = lists[name] or pieces.new(",")
  local items = inner(raw)
  if find(items, "%S") then
    lists[name]:add(keep(self, items))
  end
end


-- A list of parts, or more of it. A content may begin as a text.
local function add_parts(self, choice, name, raw)
  local list = choice.parts[name]
  if not list and name == "content" then
    local begun = choice.texts.content and choice.texts.content:joined() or ""
    if begun == "" and not find(raw, "[^%s%[%]]") then
      return
    end
    list = {}
    part_assembly.add_text(self, list, begun)
  end
  choice.parts[name] = list or {}
  part_assembly.add(self, choice.parts[name], raw)
end


-- A member that is no text.
local function add_member(self, said, name, value)
  if byte(value) == OPEN_BRACKET then
    add_items(self, said.lists, name, value)
  else
    put(self, said.last, name, value)
  end
end


-- What was said in lists, and else, as members.
local function members_of(said)
  local members = edit.copy(said.last, {})
  for name, items in pairs(said.lists) do
    members[name] = "[" .. items:joined() .. "]"
  end
  return members
end


-- Gives the only text that a delta adds, its name and JSON text, if it says nothing else.
local function add_delta(self, choice, delta)
  local said, text, is_plain = nil, nil, true
  for name, value in pairs(delta) do
    local first = byte(value)
    local calls = name == "tool_calls" and first == OPEN_BRACKET and edit.items(value)
    if calls and calls[1] then
      for position = 1, #calls do
        choice.calls:add(self, calls[position], position)
      end
      is_plain = false
    elseif name == "function_call" and first == OPEN_BRACE then
      choice.function_call = choice.function_call or call_assembly.new_function()
      call_assembly.add_function(self, choice.function_call, value)
      is_plain = false
    elseif name == "audio" and first == OPEN_BRACE then
      choice.audio = choice.audio or audio_assembly.new()
      audio_assembly.add(self, choice.audio, value)
      is_plain = false
    elseif PARTS[name] and first == OPEN_BRACKET then
      add_parts(self, choice, name, value)
      is_plain = false
    elseif name == "content" and first == QUOTE and choice.parts.content then
      part_assembly.add_text(self, choice.parts.content, inner(value))
      is_plain = false
    elseif first == QUOTE and not SAID_ONCE[name] then
      local its_text = inner(value)
      if IS_TEXT[name] then
        text_of(choice.texts, name):add(keep(self, its_text))
      else
        pieces.add_word(self, choice, name, its_text)
      end
      if its_text ~= "" then
        is_plain = is_plain and not said
        said, text = name, its_text
      end
    else
      add_member(self, choice.delta, name, value)
      is_plain = is_plain and (first ~= OPEN_BRACKET or not find(value, "[^%s%[%]]")) and first ~= OPEN_BRACE
    end
  end
  if is_plain then
    return said, text
  end
end


local function add_logprobs(self, choice, raw)
  for name, value in pairs(edit.object(raw) or {}) do
    if byte(value) == OPEN_BRACKET then
      add_items(self, choice.logprobs, name, value)
    elseif not choice.logprobs[name] then
      choice.logprobs[name] = false -- null: there is none of this kind
    end
  end
end


-- Gives what add_delta does, and the choice.
local function add_choice(self, raw)
  local members = edit.object(raw)
  if not members then
    return nil
  end
  local index = tonumber(members.index) or 0
  index = index == index and index or 0
  local choice = self.choices[index] or new_choice(index)
  self.choices[index] = choice
  local delta = members.delta and edit.object(members.delta) or { [self.is_chat and "content" or "text"] = members.text }
  local said, text = add_delta(self, choice, delta)
  for name, value in pairs(members) do
    if not OF_CHOICE[name] then
      add_member(self, choice.own, name, value)
      said = said and value == NULL and said or nil
    end
  end
  if members.logprobs and members.logprobs ~= NULL then
    add_logprobs(self, choice, members.logprobs)
    said = nil
  end
  local reason = members.finish_reason
  if reason and not NO_REASON[reason] then
    choice.finish_reason = reason
  end
  return said, text, choice
end


local function read(self, data, event)
  local members = edit.object(data)
  local items = members and (edit.items(members.choices or "") or members.usage and {}) -- an account may have no choices
  if not items then
    return
  end
  if not self.base and items[1] then
    self.base = edit.set(data, { choices = "[]" })
  end
  for name, value in pairs(members) do
    if not OF_ANSWER[name] then
      put(self, self.members, name, value)
    end
  end
  if members.usage and byte(members.usage) == OPEN_BRACE then
    self.usage = members.usage
  end
  local said, text, choice
  for i = 1, #items do
    said, text, choice = add_choice(self, items[i])
  end
  if #items == 1 and said and not self.usage then
    events.learn(self, event, { [said] = text }, TEXT_KEYS, choice.texts[said])
  end
end


-- text: whole events of a stream, as core/answer/stream.lua gives them out.
function assembly:add(text)
  events.add(self, text, read)
end


local function message_of(self, choice)
  local members = edit.copy({ role = '"assistant"', content = NULL }, members_of(choice.delta))
  members.role = members.role ~= NULL and members.role or '"assistant"'
  for name, text in pairs(choice.texts) do
    members[name] = '"' .. text:joined() .. '"'
  end
  for name, parts in pairs(choice.parts) do
    members[name] = part_assembly.whole(parts)
  end
  local called = choice.function_call
  members.function_call = called and call_assembly.whole_function(called) or members.function_call
  members.audio = choice.audio and audio_assembly.whole(choice.audio) or members.audio
  local calls = choice.calls:whole(self.way.numbers_calls)
  members.tool_calls = calls or members.tool_calls
  if members.content == NULL and self.way.is_never_null then
    members.content = '""'
  elseif members.content == '""' and (calls or choice.function_call) and not self.way.is_never_null then
    members.content = NULL
  end
  return members
end


local function whole_choice(self, choice)
  local members = edit.copy(members_of(choice.own), {
    index = ("%d"):format(choice.index), finish_reason = choice.finish_reason or NULL, logprobs = NULL,
  })
  if next(choice.logprobs) then
    local logprobs = {}
    for name, items in pairs(choice.logprobs) do
      logprobs[name] = items and "[" .. items:joined() .. "]" or NULL
    end
    members.logprobs = edit.set("{}", logprobs)
  end
  if self.is_chat then
    members.message = edit.set("{}", message_of(self, choice))
  else
    members.text = '"' .. text_of(choice.texts, choice.texts.content and "content" or "text"):joined() .. '"'
  end
  return edit.set("{}", members)
end


-- The whole answer; nil when the events were none of an answer.
function assembly:whole()
  if not self.base then
    return nil
  end
  local indexes, items = {}, {}
  for index in pairs(self.choices) do
    indexes[#indexes + 1] = index
  end
  table.sort(indexes)
  for i, index in ipairs(indexes) do
    items[i] = whole_choice(self, self.choices[index])
  end
  return edit.set(self.base, edit.copy(self.members, {
    object = self.is_chat and '"chat.completion"' or nil, choices = edit.list(items), usage = self.usage or false,
  }))
end


return _M
