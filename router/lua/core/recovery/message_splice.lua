-- A message that a second endpoint generates again, joined to what a caller has already been sent of the first one's
-- (message_record.lua). Block by block: what agrees with what was sent is left out, what goes beyond it is passed on under
-- the first message's indexes, and what contradicts it ends the stream (DIFFERS). Thoughts are not the answer: where they
-- differ, no more of them is passed on. Same interface as core/recovery/splice.lua.

local sub = string.sub

local edit = require "core.json.edit"
local message_record = require "core.answer.message_record"
local scan = require "core.json.scan"
local splice = require "core.recovery.splice"
local sse = require "core.answer.sse"

local concat = table.concat

local _M = {}
local message_splice = {}
message_splice.__index = message_splice

local PING = sse.event('{"type":"ping"}', "ping")
local OTHERWISE = "the answer differs from what was sent"


-- events: the second answer's stream. record: of what was sent, which is kept up to date. how: note. decode: of JSON.
function _M.new(events, record, how, decode)
  local answer, thoughts, last = {}, {}, -1
  for _, block in ipairs(record.blocks) do
    local list = message_record.is_thought(block.kind) and thoughts or answer
    list[#list + 1] = block
    last = math.max(last, block.index)
  end
  return setmetatable({
    events = events, reader = events.reader, finished = false, joined = false, differs = nil, record = record,
    note = ": poolkeeper: " .. how.note .. "\n", decode = decode,
    answer = answer, thoughts = thoughts, next_index = last + 1, answers_seen = 0, thoughts_seen = 0, behind = #answer,
    at = {}, out = {},
  }, message_splice)
end


function message_splice:beat()
  return not self.joined and PING or nil
end


local function say(self, name, data)
  self.out[#self.out + 1] = sse.event(data, name)
end


local function stop(self, block)
  if not block.has_stopped then
    block.has_stopped = true
    say(self, "content_block_stop", ('{"type":"content_block_stop","index":%d}'):format(block.index))
  end
end


local function is_covered(self, state)
  if not state.is_covered and state.at == #state.said then
    state.is_covered = true
    self.behind = self.behind - 1
  end
end


-- The block of what was sent that one of the second message says again; nil: it is a new one, or one to leave out.
local function counterpart(self, is_thought)
  if is_thought then
    self.thoughts_seen = self.thoughts_seen + 1
    return self.thoughts[self.thoughts_seen]
  end
  self.answers_seen = self.answers_seen + 1
  return self.answer[self.answers_seen]
end


local HANDLERS = {}

function HANDLERS.content_block_start(self, value, data)
  local kind, name = message_record.kind_of(value.content_block)
  local is_thought = message_record.is_thought(kind)
  local block = counterpart(self, is_thought)
  local state = { block = block, at = 0, said = block and message_record.said(block), is_thought = is_thought }
  self.at[value.index] = state
  if block then
    state.is_muted = is_thought and (block.has_stopped or self.answer[1] ~= nil)
    if not is_thought and (kind ~= block.kind or name ~= block.name) then
      self.differs = OTHERWISE
    elseif not is_thought then
      is_covered(self, state)
    end
    return
  end
  if is_thought and self.answer[1] and not self.is_beyond then
    state.is_muted = true
  elseif self.behind > 0 then
    self.differs = OTHERWISE
  else
    for _, thought in ipairs(self.thoughts) do
      stop(self, thought)
    end
    state.block = self.record:start(self.next_index, value.content_block)
    self.next_index, self.is_beyond = self.next_index + 1, true
    say(self, value.type, edit.set(data, { index = ("%d"):format(state.block.index) }))
  end
end


-- The text of a delta without what was sent of it; nil when it contradicts that.
local function new_text(state, text)
  local overlap = state.said and math.min(#text, #state.said - state.at) or 0
  if overlap > 0 and sub(text, 1, overlap) ~= sub(state.said, state.at + 1, state.at + overlap) then
    return nil
  end
  state.at = state.at + overlap
  return sub(text, overlap + 1)
end


function HANDLERS.content_block_delta(self, value, data)
  local state = self.at[value.index]
  if not state or state.is_muted then
    return
  end
  local block, index = state.block, { index = ("%d"):format(state.block.index) }
  local text, member = message_record.text_of(value.delta)
  if not text then
    if not block.has_stopped and (not state.said or state.at == #state.said) then
      say(self, value.type, edit.set(data, index))
    end
    return
  end
  local rest = new_text(state, text)
  if not rest or rest ~= "" and block.has_stopped then
    state.is_muted = state.is_thought
    self.differs = not state.is_thought and OTHERWISE or nil
    return
  end
  if state.said and not state.is_thought then
    is_covered(self, state)
  end
  if rest ~= "" then
    self.is_beyond = self.is_beyond or not state.is_thought
    message_record.add(block, rest)
    say(self, value.type, edit.set(data, edit.copy(index, {
      delta = edit.set(edit.get(data, "delta"), { [member] = scan.quote(rest) }),
    })))
  end
end


function HANDLERS.content_block_stop(self, value)
  local state = self.at[value.index]
  if not state or not state.block then
    return
  end
  if state.said and not state.is_thought and not state.is_covered then
    self.differs = OTHERWISE
  elseif not state.is_thought or not self.answer[1] then
    stop(self, state.block)
  end
end


function HANDLERS.message_delta(self, value, data)
  if self.behind > 0 then
    self.differs = OTHERWISE
    return
  end
  for _, block in ipairs(self.record.blocks) do
    stop(self, block)
  end
  say(self, value.type, data)
end


function HANDLERS.message_stop(self, value, data)
  say(self, value.type, data)
end


local function rewrite(self, text)
  self.out = {}
  for _, data in ipairs(sse.all(text)) do
    local value = not self.differs and self.decode(data)
    local handle = type(value) == "table" and HANDLERS[value.type]
    if handle then
      handle(self, value, data)
    end
  end
  if not self.joined and not self.differs and self.behind == 0 and (self.answer[1] or self.out[1]) then
    self.joined = true
    table.insert(self.out, 1, self.note .. PING)
  end
  return concat(self.out)
end


function message_splice:feed(bytes, final)
  return splice.join(self, rewrite, bytes, final)
end


return _M
