-- Where the members of a JSON object lie in its text, without decoding it: a request is read for four of its members and
-- sent on with one of them replaced, and a prompt may be megabytes. Agrees with a full parser on every valid document within
-- its limits; of an invalid one it notices what it steps over (quotes, brackets, commas, scalars at the top), not what lies
-- deep inside.
--
-- The work grows with the text's length, whatever stands in it, and a long one is done in slices: `pause`, where one is
-- given, is called now and then, and may let others have their turn. No pattern runs over text of unknown length.

local byte = string.byte
local find = string.find
local gsub = string.gsub
local sub = string.sub

local _M = {}

local QUOTE, COLON, COMMA, BACKSLASH = 34, 58, 44, 92
local OPEN_BRACE, CLOSE_BRACE = 123, 125
local OPEN_BRACKET, CLOSE_BRACKET = 91, 93
local SPACE, TAB, LF, CR = 32, 9, 10, 13
local CLOSER = { [OPEN_BRACE] = CLOSE_BRACE, [OPEN_BRACKET] = CLOSE_BRACKET }
local NUMBER = { "^%-?0()", "^%-?[1-9]%d*()" }
local WORDS = { [116] = "true", [102] = "false", [110] = "null" } -- by their first byte

local MEMBERS_MAX = 1000 -- no API has a hundred
local DEPTH_MAX = 1000 -- common parsers read no deeper
local NO_VALUE = "wanted a value at byte %d, nested %d deep at most"
local NAME_MAX_BYTES = 1024
local NUMBER_MAX_BYTES = 1024
local SLICE_BYTES = 65536 -- plain bytes between two pauses
local SLICE_ESCAPES, SLICE_ITEMS = 4096, 4096


local function never() end


local function skip_some(text, pos, pause)
  pause = pause or never
  local pause_at = pos + SLICE_BYTES
  while true do
    local char = byte(text, pos)
    if char ~= SPACE and char ~= LF and char ~= CR and char ~= TAB then
      return pos
    end
    pos = pos + 1
    if pos == pause_at then
      pause_at = pos + SLICE_BYTES
      pause()
    end
  end
end


-- The first position from pos on that holds no blank. Without a loop where there is one blank or none: LuaJIT gives up on a
-- function whose loop ends at once, and then on all that call it.
local function skip_blanks(text, pos, pause)
  local char = byte(text, pos)
  if char ~= SPACE and char ~= LF and char ~= CR and char ~= TAB then
    return pos
  end
  char = byte(text, pos + 1)
  if char ~= SPACE and char ~= LF and char ~= CR and char ~= TAB then
    return pos + 1
  end
  return skip_some(text, pos + 2, pause)
end


-- The end of a string that has a backslash right before the first quote in it: escape by escape.
local function escaped_end(text, pos, quote, pause)
  local escapes = 0
  local escape = find(text, "\\", pos, true)
  while escape and escape < quote do
    pos = escape + 2
    if pos > quote then
      quote = find(text, '"', pos, true)
      if not quote then
        return nil
      end
    end
    escape = find(text, "\\", pos, true)
    escapes = escapes + 1
    if escapes == SLICE_ESCAPES then
      escapes = 0
      pause()
    end
  end
  return quote
end


-- pos: at the opening quote; gives the position of the closing one
local function string_end(text, pos, pause)
  local quote = find(text, '"', pos + 1, true)
  if not quote or byte(text, quote - 1) ~= BACKSLASH then
    return quote -- no escape right before the first quote: then it is the end, whatever stands before
  end
  return escaped_end(text, pos + 1, quote, pause)
end


-- pos: at the opening bracket; gives the position of the one that closes it
local function nested_end(text, pos, pause)
  local depth, closers = 1, { CLOSER[byte(text, pos)] }
  local length, pause_at = #text, pos + SLICE_BYTES
  pos = pos + 1
  while pos <= length do
    local char = byte(text, pos)
    if char == QUOTE then
      pos = string_end(text, pos, pause)
      if not pos then
        return nil
      end
    elseif char == OPEN_BRACE or char == OPEN_BRACKET then
      depth = depth + 1
      if depth > DEPTH_MAX then
        return nil
      end
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
    if pos >= pause_at then
      pause_at = pos + SLICE_BYTES
      pause()
    end
  end
end


local function number_end(text, pos)
  local number = sub(text, pos, pos + NUMBER_MAX_BYTES - 1)
  for i = 1, 2 do
    local _, _, after = find(number, NUMBER[i])
    if after then
      local _, _, fraction = find(number, "^%.%d+()", after)
      after = fraction or after
      local _, _, exponent = find(number, "^[eE][+-]?%d+()", after)
      after = exponent or after
      return after <= NUMBER_MAX_BYTES and pos + after - 2 or nil
    end
  end
end


local function value_end(text, pos, pause)
  local char = byte(text, pos)
  if char == QUOTE then
    return string_end(text, pos, pause)
  end
  if char == OPEN_BRACE or char == OPEN_BRACKET then
    return nested_end(text, pos, pause)
  end
  local word = WORDS[char]
  if word then
    local last = pos + #word - 1
    return sub(text, pos, last) == word and last or nil
  end
  return number_end(text, pos)
end


_M.skip_blanks = skip_blanks


-- Where the value that starts at pos ends; nil when it has no end.
function _M.value_end(text, pos, pause)
  return value_end(text, pos, pause or never)
end


-- A member's name at pos and where its value starts; nil and what is wrong.
local function name_at(text, pos, pause)
  local name_end = byte(text, pos) == QUOTE and string_end(text, pos, pause)
  if not name_end then
    return nil, "wanted a member's name at byte " .. pos
  end
  if name_end - pos > NAME_MAX_BYTES then
    return nil, ("the member's name at byte %d is longer than %d bytes"):format(pos, NAME_MAX_BYTES)
  end
  local colon = skip_blanks(text, name_end + 1, pause)
  if byte(text, colon) ~= COLON then
    return nil, "wanted a colon after byte " .. name_end
  end
  return sub(text, pos + 1, name_end - 1), skip_blanks(text, colon + 1, pause)
end


-- The members of the object that is text[first..last] (else the whole text), in order and flat: name, from, to, name, from,
-- to, … where name is the raw text between the quotes and text:sub(from, to) the value. nil and what is wrong where, if it
-- is not such an object.
function _M.members(text, pause, first, last)
  pause = pause or never
  local members = { nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil } -- room for the four of a usual request
  local count, length = 0, last or #text
  local pos = skip_blanks(text, first or 1, pause)
  if byte(text, pos) ~= OPEN_BRACE then
    return nil, "wanted a JSON object"
  end
  pos = skip_blanks(text, pos + 1, pause)
  local char, after = byte(text, pos), pos
  while char ~= CLOSE_BRACE do
    local name, from = name_at(text, pos, pause)
    if not name then
      return nil, from
    end
    local to = value_end(text, from, pause)
    if not to then
      return nil, NO_VALUE:format(from, DEPTH_MAX)
    end
    if count == 3 * MEMBERS_MAX then
      return nil, ("the object has more than %d members"):format(MEMBERS_MAX)
    end
    members[count + 1], members[count + 2], members[count + 3] = name, from, to
    count, after = count + 3, to + 1
    pos = skip_blanks(text, after, pause)
    char = byte(text, pos)
    if char ~= COMMA then
      break
    end
    pos = skip_blanks(text, pos + 1, pause)
  end
  if char ~= CLOSE_BRACE or pos > length or skip_blanks(text, pos + 1, pause) <= length then
    return nil, "wanted a comma or the end of the object, and nothing behind it, at byte " .. after
  end
  return members
end


-- The items of the list that is text[first..last] (else the whole text), flat: from, to, from, to, … where
-- text:sub(from, to) is an item. nil and what is wrong where, if it is not such a list.
function _M.items(text, pause, first, last)
  pause = pause or never
  local items, count, length = {}, 0, last or #text
  local pos = skip_blanks(text, first or 1, pause)
  if byte(text, pos) ~= OPEN_BRACKET then
    return nil, "wanted a JSON list"
  end
  pos = skip_blanks(text, pos + 1, pause)
  local char, after = byte(text, pos), pos
  while char ~= CLOSE_BRACKET do
    local to = value_end(text, pos, pause)
    if not to then
      return nil, NO_VALUE:format(pos, DEPTH_MAX)
    end
    items[count + 1], items[count + 2] = pos, to
    count, after = count + 2, to + 1
    if count % SLICE_ITEMS == 0 then
      pause()
    end
    pos = skip_blanks(text, after, pause)
    char = byte(text, pos)
    if char ~= COMMA then
      break
    end
    pos = skip_blanks(text, pos + 1, pause)
  end
  if char ~= CLOSE_BRACKET or pos > length or skip_blanks(text, pos + 1, pause) <= length then
    return nil, "wanted a comma or the end of the list, and nothing behind it, at byte " .. after
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
