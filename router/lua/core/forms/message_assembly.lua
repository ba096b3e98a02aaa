-- A stream of Anthropic's Messages API as the whole message that it would have been, put together event by event. Blocks
-- keep every member they have.

local byte = string.byte
local find = string.find

local edit = require "core.json.edit"
local events = require "core.forms.events"
local frame = require "core.answer.frame"
local lenient = require "core.json.lenient"
local pieces = require "core.forms.pieces"

local inner = pieces.inner

local _M = {}
local assembly = {}
assembly.__index = assembly

local QUOTE = 34
local NULL = "null"
local INPUT = "partial_json"
local TEXT_KEYS = { "text", "thinking", INPUT }
-- Of a delta: the member with its text goes to the block's member of the same name, except for a tool's input.
local OF_DELTA = { type = true }
-- What a block is whose start some servers leave out, by its deltas.
local UNSTARTED = {
  ['"text_delta"'] = '{"type":"text","text":""}', ['"thinking_delta"'] = '{"type":"thinking","thinking":""}',
}
local OF_EVENT = { type = true, delta = true, usage = true }


-- decode: JSON text -> value, asked for the input of tools only. size: bytes kept so far.
function _M.new(decode)
  return setmetatable({
    decode = decode, frame = frame.new(), target = nil, size = 0, message = nil, blocks = {}, by_index = {},
  }, assembly)
end


-- The text of a block's member; it begins with what the block started with.
local function text_of(block, name)
  if not block.texts[name] then
    block.texts[name] = pieces.new()
    local begun = name ~= INPUT and edit.get(block.raw, name)
    if begun and byte(begun) == QUOTE then
      block.texts[name]:add(inner(begun))
    end
  end
  return block.texts[name]
end


local READ = {}

READ['"message_start"'] = function(self, members)
  self.message = members.message
end

local function start_block(self, index, raw)
  local block = { raw = raw, texts = {}, citations = pieces.new(",") }
  self.size = self.size + #raw
  self.blocks[#self.blocks + 1], self.by_index[index or ""] = block, block
  return block
end

READ['"content_block_start"'] = function(self, members)
  start_block(self, members.index, members.content_block or "{}")
end

READ['"content_block_delta"'] = function(self, members, event)
  local block, delta = self.by_index[members.index or ""], edit.object(members.delta or "")
  if not block and delta and UNSTARTED[delta.type] then
    block = start_block(self, members.index, UNSTARTED[delta.type])
  end
  if not block or not delta then
    return
  end
  for name, value in pairs(delta) do
    if name == "citation" then
      block.citations:add(value)
      block.has_citations = true
    elseif not OF_DELTA[name] and byte(value) == QUOTE then
      local target = text_of(block, name)
      target:add(inner(value))
      events.learn(self, event, { [name] = inner(value) }, TEXT_KEYS, target)
    elseif not OF_DELTA[name] then
      block.raw = edit.set(block.raw, { [name] = value })
    end
    self.size = self.size + #value
  end
end

-- The members of a message's end, and the account, added to the one of its start.
READ['"message_delta"'] = function(self, members)
  if not self.message then
    return
  end
  local changes = edit.object(members.delta or "") or {}
  for name, value in pairs(members) do
    if not OF_EVENT[name] then
      changes[name] = value
    end
  end
  local counts = edit.object(members.usage or "") or {}
  for name, value in pairs(counts) do
    counts[name] = value ~= NULL and value or nil
  end
  changes.usage = edit.set(edit.get(self.message, "usage") or "{}", counts) or members.usage
  self.message = edit.set(self.message, changes)
end


local function read(self, data, event)
  local members = edit.object(data)
  local reads = members and READ[members.type]
  if reads then
    reads(self, members, event)
  end
end


-- text: whole events of a stream, as core/answer/stream.lua gives them out.
function assembly:add(text)
  events.add(self, text, read)
end


-- The input of a tool, which comes as text. One that was cut at the limit of tokens is no JSON and cannot be said.
local function input_of(self, text)
  local said = find(text, "\\", 1, true) and lenient(self.decode, '"' .. text .. '"') or text
  return edit.object(said) and said or "{}"
end


local function whole_block(self, block)
  local changes = {}
  for name, text in pairs(block.texts) do
    if name == INPUT then
      changes.input = input_of(self, text:joined())
    else
      changes[name] = '"' .. text:joined() .. '"'
    end
  end
  if block.has_citations then
    changes.citations = "[" .. block.citations:joined() .. "]"
  end
  return edit.set(block.raw, changes)
end


-- The whole message; nil when the events were none of a message.
function assembly:whole()
  local items = {}
  for i, block in ipairs(self.blocks) do
    items[i] = whole_block(self, block)
  end
  return self.message and edit.set(self.message, { content = edit.list(items) })
end


return _M
