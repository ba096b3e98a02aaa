-- Where the members of a JSON object lie in its text, without decoding it: a request is read for four of its members and
-- sent on with one of them replaced, and a prompt may be a megabyte. Agrees with a full parser on every valid document;
-- of an invalid one it notices what it steps over (quotes, brackets, commas, scalars at the top), not what lies deep inside.

local byte = string.byte
local find = string.find
local gsub = string.gsub
local match = string.match
local sub = string.sub

local _M = {}

local QUOTE, OPEN_BRACE, CLOSE_BRACE = 34, 123, 125
local OPEN_BRACKET, CLOSE_BRACKET = 91, 93
local BACKSLASH = 92
local CLOSER = { [OPEN_BRACE] = CLOSE_BRACE, [OPEN_BRACKET] = CLOSE_BRACKET }
local NUMBER = { "^%-?0()", "^%-?[1-9]%d*()" }
local WORDS = { ["true"] = true, ["false"] = true, ["null"] = true }


-- pos: at the opening quote; gives the position of the closing one
local function string_end(text, pos)
  pos = pos + 1
  local quote = find(text, '"', pos, true)
  if not quote or byte(text, quote - 1) ~= BACKSLASH then
    return quote -- no escape right before the first quote: then it is the end, whatever stands before
  end
  while true do
    pos = find(text, '["\\]', pos)
    if not pos then
      return nil
    end
    if byte(text, pos) == QUOTE then
      return pos
    end
    pos = pos + 2
  end
end


-- pos: at the opening bracket; gives the position of the one that closes it
local function nested_end(text, pos)
  local depth, closers = 1, { CLOSER[byte(text, pos)] }
  local length = #text
  pos = pos + 1
  while pos <= length do
    local char = byte(text, pos)
    if char == QUOTE then
      pos = string_end(text, pos)
      if not pos then
        return nil
      end
    elseif char == OPEN_BRACE or char == OPEN_BRACKET then
      depth = depth + 1
      closers[depth] = CLOSER[char]
    elseif char == CLOSE_BRACE or char == CLOSE_BRACKET then
      if char ~= closers[depth] then
        return nil
      end
      depth = depth - 1
      if depth == 0 then
        return pos
      end
    end
    pos = pos + 1
  end
end


local function number_end(text, pos)
  for i = 1, 2 do
    local _, _, after = find(text, NUMBER[i], pos)
    if after then
      local _, _, fraction = find(text, "^%.%d+()", after)
      after = fraction or after
      local _, _, exponent = find(text, "^[eE][+-]?%d+()", after)
      return (exponent or after) - 1
    end
  end
end


local function value_end(text, pos)
  local char = byte(text, pos)
  if char == QUOTE then
    return string_end(text, pos)
  end
  if char == OPEN_BRACE or char == OPEN_BRACKET then
    return nested_end(text, pos)
  end
  local _, last, word = find(text, "^(%l+)", pos)
  if word then
    return WORDS[word] and last
  end
  return number_end(text, pos)
end

-- Where the value that starts at pos ends; nil when it has no end.
_M.value_end = value_end


local KEY = '^"([^"\\]*)"[ \t\r\n]*:[ \t\r\n]*()'
local NEXT = "^[ \t\r\n]*,[ \t\r\n]*()"
local END = "^[ \t\r\n]*}[ \t\r\n]*$"


-- A member's name at pos and where its value starts; the pattern alone does for names without escapes.
local function key_at(text, pos)
  local key, from = match(text, KEY, pos)
  if key then
    return key, from
  end
  local key_end = byte(text, pos) == QUOTE and string_end(text, pos)
  if not key_end then
    return nil, "wanted a member's name at byte " .. pos
  end
  from = match(text, "^[ \t\r\n]*:[ \t\r\n]*()", key_end + 1)
  if not from then
    return nil, "wanted a colon after byte " .. key_end
  end
  return sub(text, pos + 1, key_end - 1), from
end


-- The members of the object that is the whole of text, in order and flat: key, from, to, key, from, to, … where key is the
-- raw text between the quotes and text:sub(from, to) the value. nil and what is wrong where, if it is not such an object.
function _M.members(text)
  local members, count = {}, 0
  local pos = match(text, "^[ \t\r\n]*{[ \t\r\n]*()")
  if not pos then
    return nil, "wanted a JSON object"
  end
  if find(text, END, pos) then
    return members
  end
  while pos do
    local key, from = key_at(text, pos)
    if not key then
      return nil, from
    end
    local to = value_end(text, from)
    if not to then
      return nil, "wanted a value at byte " .. from
    end
    members[count + 1], members[count + 2], members[count + 3] = key, from, to
    count = count + 3
    pos = match(text, NEXT, to + 1)
  end
  local last = members[count] + 1
  if not find(text, END, last) then
    return nil, "wanted a comma or the end of the object, and nothing behind it, at byte " .. last
  end
  return members
end


-- The items of the list that is the whole of text, flat: from, to, from, to, … where text:sub(from, to) is an item. nil and
-- what is wrong where, if it is not such a list.
function _M.items(text)
  local items, count = {}, 0
  local pos = match(text, "^[ \t\r\n]*%[[ \t\r\n]*()")
  if not pos then
    return nil, "wanted a JSON list"
  end
  if find(text, "^][ \t\r\n]*$", pos) then
    return items
  end
  while pos do
    local to = value_end(text, pos)
    if not to then
      return nil, "wanted a value at byte " .. pos
    end
    items[count + 1], items[count + 2] = pos, to
    count = count + 2
    pos = match(text, NEXT, to + 1)
  end
  if not find(text, "^[ \t\r\n]*][ \t\r\n]*$", items[count] + 1) then
    return nil, "wanted a comma or the end of the list, and nothing behind it, at byte " .. items[count] + 1
  end
  return items
end


local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(char)
  return ESCAPES[char] or ("\\u%04x"):format(byte(char))
end


-- text as a JSON string, with its quotes
function _M.quote(text)
  if find(text, '[%c"\\]') then
    text = gsub(text, '[%c"\\]', escape)
  end
  return '"' .. text .. '"'
end


return _M
