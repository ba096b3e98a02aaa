-- A whole message of Anthropic's Messages API as a stream. Blocks keep every member they have.

local edit = require "core.json.edit"
local scan = require "core.json.scan"
local sse = require "core.answer.sse"

local concat = table.concat

local _M = {}

local NULL = "null"


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


return _M
