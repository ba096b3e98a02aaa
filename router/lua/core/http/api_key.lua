-- What of a mounted file is an API key: one line of visible ASCII, not longer than servers take a header. Anything else
-- could not be sent as it is meant, or would be another header.

local _M = {}

local LONGEST_BYTES = 8192


-- the key; nil: the file holds none
function _M.of(text)
  local last = #text
  while last > 0 and (text:byte(last) == 0x0a or text:byte(last) == 0x0d) do
    last = last - 1
  end
  if last == 0 or last > LONGEST_BYTES then
    return nil
  end
  local key = text:sub(1, last)
  return not key:find("[^\33-\126]") and key or nil
end


return _M
