-- A member of a JSON text, found without decoding: by a plain search for its name, then a pattern right behind it. (A
-- pattern alone would be tried at each byte, which costs more than all else that a short answer needs. And loops that mostly
-- end at once are calls: LuaJIT makes no machine code of a function with such a loop, nor of what calls it.)

local scan = require "core.json.scan"

local byte = string.byte
local find = string.find
local sub = string.sub

local _M = {}

local COLON = 58
local SLICE_ITEMS = 4096 -- between two pauses


-- The first `name` with what `pattern` says right behind it: where it begins, and the pattern's capture; nil when there is
-- none. name: as it is written, with its quotes or the end of them. pattern: anchored ("^…"), with one capture.
function _M.behind(text, name, pattern, from)
  local start, stop = find(text, name, from or 1, true)
  if not start then
    return nil
  end
  local fits, _, found = find(text, pattern, stop + 1)
  if fits then
    return start, found
  end
  return _M.behind(text, name, pattern, stop + 1)
end


-- Where the last `char` in text is; nil when there is none. known: one that stands before it.
function _M.last(text, char, known)
  local at = find(text, char, (known or 0) + 1, true)
  if not at then
    return known
  end
  return _M.last(text, char, at)
end


local function says_true_from(text, needle, stop, pause)
  local count, _ = 0, nil
  while stop do
    local colon = scan.skip_blanks(text, stop + 1, pause)
    if byte(text, colon) == COLON then
      local from = scan.skip_blanks(text, colon + 1, pause)
      if sub(text, from, from + 3) == "true" then
        return true
      end
    end
    count = count + 1
    if count % SLICE_ITEMS == 0 and pause then
      pause()
    end
    _, stop = find(text, needle, stop + 1, true)
  end
  return false
end


-- Is there, at any depth, a member of this name that is true? Text in a string may look like one.
function _M.says_true(text, name, pause)
  local needle = '"' .. name .. '"'
  local _, stop = find(text, needle, 1, true)
  return stop ~= nil and says_true_from(text, needle, stop, pause)
end


return _M
