-- What a caller has been sent of a streamed message, block by block: another endpoint's answer is joined to it when it
-- breaks off (message_splice.lua). For chat's answers that is transcript.lua.

local concat = table.concat

local _M = {}
local record = {}
record.__index = record

local THOUGHTS = { thinking = true, redacted_thinking = true }
-- The member of a delta that is a block's text.
local TEXTS = { text_delta = "text", thinking_delta = "thinking", input_json_delta = "partial_json" }


-- blocks: in their order, {index, kind, name (a tool's), pieces, has_stopped}. choices, is_opaque: as a transcript's.
function _M.new()
  return setmetatable({ choices = {}, is_opaque = false, blocks = {}, at = {} }, record)
end


function _M.is_thought(kind)
  return THOUGHTS[kind] == true
end


-- The text of a delta and the member that holds it; nil when it has none (signatures, citations).
function _M.text_of(delta)
  local name = type(delta) == "table" and TEXTS[delta.type]
  if name and type(delta[name]) == "string" then
    return delta[name], name
  end
end


-- What identifies a block: its type, and a tool's name.
function _M.kind_of(block)
  return type(block) == "table" and tostring(block.type) or "", type(block) == "table" and tostring(block.name) or ""
end


function record:start(index, content_block)
  local kind, name = _M.kind_of(content_block)
  local block = { index = index, kind = kind, name = name, pieces = {}, has_stopped = false }
  self.blocks[#self.blocks + 1], self.at[index] = block, block
  return block
end


function _M.add(block, text)
  block.pieces[#block.pieces + 1] = text
end


function _M.said(block)
  return concat(block.pieces)
end


-- Remembers an event (decoded) that is passed on. Gives the block that its text belongs to.
function record:read(value)
  local index = tonumber(value.index)
  local block = index and self.at[index]
  if value.type == "content_block_start" and index then
    self:start(index, value.content_block)
  elseif value.type == "content_block_delta" and block then
    _M.add(block, _M.text_of(value.delta) or "")
  elseif value.type == "content_block_stop" and block then
    block.has_stopped = true
  end
  return block
end


return _M
