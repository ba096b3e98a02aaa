-- A member of a JSON text, found without decoding: by a plain search for its name, then a pattern right behind it. (A
-- pattern alone would be tried at each byte, which costs more than all else that a short answer needs. And loops that mostly
-- end at once are calls: LuaJIT makes no machine code of a function with such a loop, nor of what calls it.)

local find = string.find

local _M = {}


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


return _M
