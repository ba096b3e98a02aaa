-- A text or a list that comes in many small pieces, as JSON text: what stands between the quotes or the brackets. It is put
-- together once, at the end, and nothing in it is decoded: escapes that were torn in two come together again.

local concat = table.concat
local sub = string.sub

local _M = {}
local pieces = {}
pieces.__index = pieces

local BLOCK = 256 -- pieces are joined now and then: one costs more memory than its text


-- separator: between two pieces
function _M.new(separator)
  return setmetatable({ blocks = {}, block_count = 0, last = {}, count = 0, separator = separator or "" }, pieces)
end


function pieces:add(text)
  local count = self.count + 1
  self.last[count] = text
  if count == BLOCK then
    self.block_count = self.block_count + 1
    self.blocks[self.block_count] = concat(self.last, self.separator)
    count = 0
  end
  self.count = count
end


function pieces:joined()
  local blocks, count = self.blocks, self.block_count
  if self.count > 0 then
    blocks[count + 1] = concat(self.last, self.separator, 1, self.count)
  end
  local text = concat(blocks, self.separator)
  blocks[count + 1] = nil
  return text
end


-- What stands between the quotes of a string, the brackets of a list.
function _M.inner(raw)
  return sub(raw, 2, -2)
end


-- texts: name -> pieces. Those of a name.
function _M.text_of(texts, name)
  texts[name] = texts[name] or _M.new()
  return texts[name]
end


-- Counts text that an assembly keeps.
function _M.keep(assembly, text)
  assembly.size = assembly.size + #text
  return text
end


-- Adds to a member of a choice ({texts, words}) that nobody here knows. A word that is the same each time ("type": "text")
-- is one word; else the pieces are a text.
function _M.add_word(assembly, choice, name, text)
  local word, into = choice.words[name], _M.text_of(choice.texts, name)
  if word and word.text == text then
    word.repeats = word.repeats + 1
    return
  end
  for _ = 1, word and word.repeats or 0 do
    into:add(_M.keep(assembly, word.text))
  end
  choice.words[name] = word == nil and { text = text, repeats = 0 } or false
  into:add(_M.keep(assembly, text))
end


-- Of what was said more than once, an assembly keeps the last that says something.
function _M.put(assembly, members, name, value)
  local known = members[name]
  if not known or value ~= "null" and value ~= "{}" then
    assembly.size = assembly.size + #value - (known and #known or 0)
    members[name] = value
  end
end


return _M
