-- JSON that may hold half a character: "\ud83d" alone. The grammar allows it, and programs that cut text by UTF-16 units
-- send it. The callers' parsers accept it, ours does not. So the router reads such halves as U+FFFD.

local find = string.find
local gsub = string.gsub

local LONGEST_BYTES = 256 * 1024 -- what is longer is read by sketch.lua, which knows halves of characters
local SURROGATE = "\\u[dD][89a-fA-F]%x%x"


-- decode: JSON text -> value, or nil. The value, and whether it differs a little from the text.
return function(decode, text)
  local value = decode(text)
  if value == nil and #text <= LONGEST_BYTES and find(text, SURROGATE) then
    return decode((gsub(text, SURROGATE, "\\ufffd"))), true
  end
  return value, false
end
