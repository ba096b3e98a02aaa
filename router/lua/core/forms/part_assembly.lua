-- A list of parts whose items come in pieces themselves: the details of reasoning, a content of several kinds (Mistral's
-- thinking and text, for one). Pieces of one part follow each other. A part may have a list of parts for its text.

local byte = string.byte

local edit = require "core.json.edit"
local pieces = require "core.forms.pieces"

local inner, text_of, keep, put = pieces.inner, pieces.text_of, pieces.keep, pieces.put

local _M = {}

local QUOTE, OPEN_BRACKET = 34, 91
local EMPTY = '""'
-- The members of a part that hold its text.
local TEXTS = { text = true, summary = true, data = true, thinking = true }
local NO_WORDS = { type = true, index = true }


-- Has a piece a text, and has it more than that?
local function says(members)
  local has_text, has_more = false, false
  for name, value in pairs(members) do
    if TEXTS[name] then
      has_text = has_text or value ~= EMPTY
    else
      has_more = has_more or not NO_WORDS[name]
    end
  end
  return has_text, has_more
end


-- Does a piece go on with the last part? Not with one that is signed, if it has text of its own; nor do data, which are
-- whole where nothing numbers the parts.
local function goes_on(last, members)
  if not last or last.type ~= members.type or last.index ~= members.index then
    return false
  end
  local id, is_numbered = last.members.id, members.index ~= nil
  if id and members.id and id ~= members.id then
    return false
  end
  local has_text, has_more = says(members)
  if last.is_signed and has_text or members.data and not is_numbered then
    return false
  end
  return is_numbered or has_text or members.signature ~= nil or not has_more
end


local function add_member(assembly, part, name, value)
  local first = byte(value)
  if TEXTS[name] and first == QUOTE then
    text_of(part.texts, name):add(keep(assembly, inner(value)))
  elseif TEXTS[name] and first == OPEN_BRACKET then
    part.lists[name] = part.lists[name] or {}
    _M.add(assembly, part.lists[name], value)
  else
    put(assembly, part.members, name, value)
  end
end


-- Adds the items of raw, a list as JSON text. list: its parts so far, {} at first. assembly: {size}.
function _M.add(assembly, list, raw)
  for _, item in ipairs(edit.items(raw) or {}) do
    local members, part = edit.object(item) or {}, list[#list]
    if not goes_on(part, members) then
      part = { type = members.type, index = members.index, members = {}, texts = {}, lists = {}, is_signed = false }
      list[#list + 1] = part
    end
    for name, value in pairs(members) do
      add_member(assembly, part, name, value)
    end
    local signature = members.signature
    part.is_signed = part.is_signed or signature ~= nil and byte(signature) == QUOTE and signature ~= EMPTY
  end
end


-- A text (what stands between its quotes) as one more piece.
function _M.add_text(assembly, list, text)
  if text ~= "" then
    _M.add(assembly, list, '[{"type":"text","text":"' .. text .. '"}]')
  end
end


-- The list as JSON text.
function _M.whole(list)
  local items = {}
  for i, part in ipairs(list) do
    local members = edit.copy(part.members, {})
    for name, text in pairs(part.texts) do
      members[name] = '"' .. text:joined() .. '"'
    end
    for name, parts in pairs(part.lists) do
      members[name] = _M.whole(parts)
    end
    items[i] = edit.set("{}", members)
  end
  return edit.list(items)
end


return _M
