-- A member of a JSON text, found without decoding: by a plain search for its name, then a pattern right behind it. (A
-- pattern alone would be tried at each byte, which costs more than all else that a short answer needs.)

local find = string.find

local _M = {}


-- The first `name` with what `pattern` says right behind it: where it begins, and the pattern's capture; nil when there is
-- none. name: as it is written, with its quotes or the end of them. pattern: anchored ("^…"), with one capture.
function _M.behind(text, name, pattern, from)
  local start, stop = find(text, name, from or 1, true)
  while start do
    local fits, _, found = find(text, pattern, stop + 1)
    if fits then
      return start, found
    end
    start, stop = find(text, name, stop + 1, true)
  end
  return nil
end


-- Where the last `char` in text is; nil when there is none.
function _M.last(text, char)
  local found, at = nil, find(text, char, 1, true)
  while at do
    found, at = at, find(text, char, at + 1, true)
  end
  return found
end


return _M
