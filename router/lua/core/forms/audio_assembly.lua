-- A sound that comes in pieces: its data and its transcript are joined, of everything else the last counts.

local byte = string.byte

local edit = require "core.json.edit"
local pieces = require "core.forms.pieces"

local inner, text_of, keep, put = pieces.inner, pieces.text_of, pieces.keep, pieces.put

local _M = {}

local QUOTE = 34
local NULL = "null"
local IN_PIECES = { data = true, transcript = true }


function _M.new()
  return { texts = {}, last = {} }
end


-- assembly: {size}; raw: a piece, as JSON text
function _M.add(assembly, audio, raw)
  for name, value in pairs(edit.object(raw) or {}) do
    if IN_PIECES[name] and byte(value) == QUOTE then
      text_of(audio.texts, name):add(keep(assembly, inner(value)))
    elseif value ~= NULL then
      put(assembly, audio.last, name, value)
    end
  end
end


function _M.whole(audio)
  local members = edit.copy(audio.last, {})
  for name, text in pairs(audio.texts) do
    members[name] = '"' .. text:joined() .. '"'
  end
  return edit.set("{}", members)
end


return _M
