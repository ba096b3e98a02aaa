-- JSON that may hold half a character: "\ud83d" alone. Grammar allows it, and who cuts text by UTF-16 units sends it; the
-- callers' parsers take it, ours does not. So that it is understood all the same, such halves are read as U+FFFD.

local find = string.find
local gsub = string.gsub

local SURROGATE = "\\u[dD][89a-fA-F]%x%x"


-- decode: JSON text -> value, or nil. The value, and whether it is not quite what was said.
return function(decode, text)
  local value = decode(text)
  if value == nil and find(text, SURROGATE) then
    return decode((gsub(text, SURROGATE, "\\ufffd"))), true
  end
  return value, false
end
