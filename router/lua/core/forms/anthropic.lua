-- Messages in the other form: a whole one as a stream, a stream as a whole one. Blocks keep every member they have.

local edit = require "core.json.edit"
local scan = require "core.json.scan"
local sse = require "core.answer.sse"

local concat = table.concat

local _M = {}

local NULL = "null"


-- a whole message as a stream

local function event(name, members)
  members.type = '"' .. name .. '"'
  return sse.event(edit.set("{}", members), name)
end


local function delta(index, kind, member, value)
  local said = edit.set("{}", { type = '"' .. kind .. '"', [member] = value })
  return event("content_block_delta", { index = index, delta = said })
end


-- What a block starts as, and its deltas, by its type. Blocks of other types are whole as they start.
local BLOCKS = {}

BLOCKS['"text"'] = function(block, index)
  local citations = edit.items(edit.get(block, "citations") or "") or {}
  local deltas = { delta(index, "text_delta", "text", edit.get(block, "text") or '""') }
  for i = 1, #citations do
    deltas[#deltas + 1] = delta(index, "citations_delta", "citation", citations[i])
  end
  return edit.set(block, { text = '""', citations = citations[1] and "[]" or nil }), deltas
end

BLOCKS['"thinking"'] = function(block, index)
  local signature = edit.get(block, "signature")
  return edit.set(block, { thinking = '""', signature = signature and '""' or nil }), {
    delta(index, "thinking_delta", "thinking", edit.get(block, "thinking") or '""'),
    signature and delta(index, "signature_delta", "signature", signature) or nil,
  }
end

BLOCKS['"tool_use"'] = function(block, index)
  return edit.set(block, { input = "{}" }), {
    delta(index, "input_json_delta", "partial_json", scan.quote(edit.get(block, "input") or "{}")),
  }
end
BLOCKS['"server_tool_use"'] = BLOCKS['"tool_use"']


local function events_of_block(block, position)
  local index = ("%d"):format(position - 1)
  local split, deltas = BLOCKS[edit.get(block, "type") or ""], {}
  local start = block
  if split then
    start, deltas = split(block, index)
  end
  return event("content_block_start", { index = index, content_block = start }) .. concat(deltas)
    .. event("content_block_stop", { index = index })
end


-- body: a whole message as JSON text. nil when it is none.
function _M.as_stream(body)
  local list = edit.get(body, "content")
  local blocks = list and edit.items(list)
  if not blocks then
    return nil
  end
  local parts = { event("message_start", {
    message = edit.set(body, { content = "[]", stop_reason = NULL, stop_sequence = NULL }),
  }) }
  for i = 1, #blocks do
    parts[#parts + 1] = events_of_block(blocks[i], i)
  end
  parts[#parts + 1] = event("message_delta", {
    delta = edit.set("{}", { stop_reason = edit.get(body, "stop_reason") or NULL,
                             stop_sequence = edit.get(body, "stop_sequence") or NULL }),
    usage = edit.get(body, "usage") or "{}",
  }) .. event("message_stop", {})
  return concat(parts)
end


-- a stream as a whole message

-- Where the pieces of a delta go, by its type: the member of the delta, and of the block.
local PIECES = {
  text_delta = { "text", "text" }, thinking_delta = { "thinking", "thinking" },
  signature_delta = { "signature", "signature" }, input_json_delta = { "partial_json", "input" },
}


local function add_delta(block, value, raw)
  local piece = PIECES[value.type]
  if piece and type(value[piece[1]]) == "string" then
    block.texts[piece[2]] = (block.texts[piece[2]] or "") .. value[piece[1]]
  elseif value.type == "citations_delta" then
    block.citations[#block.citations + 1] = edit.get(raw, "citation")
  end
end


local function whole_block(block)
  local changes = {}
  for name, text in pairs(block.texts) do
    changes[name] = name == "input" and (text ~= "" and text or "{}") or scan.quote(text)
  end
  if block.citations[1] then
    changes.citations = edit.list(block.citations)
  end
  return edit.set(block.raw, changes)
end


-- The members of a message's end: why, and the account, added to the one of its start.
local function end_of(message, data)
  local said, usage = edit.get(data, "delta") or "{}", edit.get(data, "usage")
  local changes = {}
  for _, name in ipairs({ "stop_reason", "stop_sequence" }) do
    changes[name] = edit.get(said, name)
  end
  local begun = edit.get(message, "usage") or "{}"
  local places, counts = usage and scan.members(usage) or {}, {}
  for i = 1, #places, 3 do
    counts[places[i]] = usage:sub(places[i + 1], places[i + 2])
  end
  changes.usage = edit.set(begun, counts)
  return edit.set(message, changes)
end


-- text: the events of a complete stream. nil when they are none of a message.
function _M.assemble(text, decode)
  local message, blocks, by_index = nil, {}, {}
  for _, data in ipairs(sse.all(text)) do
    local value = decode(data)
    local kind = type(value) == "table" and value.type
    if kind == "message_start" then
      message = edit.get(data, "message")
    elseif kind == "content_block_start" then
      local block = { raw = edit.get(data, "content_block"), texts = {}, citations = {} }
      blocks[#blocks + 1], by_index[tonumber(value.index) or #blocks] = block, block
    elseif kind == "content_block_delta" and by_index[tonumber(value.index)] and type(value.delta) == "table" then
      add_delta(by_index[tonumber(value.index)], value.delta, edit.get(data, "delta"))
    elseif kind == "message_delta" and message then
      message = end_of(message, data)
    end
  end
  for i = 1, #blocks do
    blocks[i] = whole_block(blocks[i])
  end
  return message and edit.set(message, { content = edit.list(blocks) })
end


return _M
