-- Whether a text, read without decoding it, has one of some pieces. LuaJIT compiles a plain search, no pattern.

local find = string.find


return function(text, words)
  for i = 1, #words do
    if find(text, words[i], 1, true) then
      return true
    end
  end
  return false
end
