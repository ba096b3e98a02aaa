-- Where the members of a JSON object lie in its text, without decoding it: a request is read for four of its members and
-- sent on with one of them replaced, and a prompt may be a megabyte. Agrees with a full parser on every valid document;
-- of an invalid one it notices what it steps over (quotes, brackets, commas, scalars at the top), not what lies deep inside.

local byte = string.byte
local find = string.find
local sub = string.sub

local _M = {}

local QUOTE, OPEN_BRACE, CLOSE_BRACE = 34, 123, 125
local OPEN_BRACKET, CLOSE_BRACKET, COMMA, COLON = 91, 93, 44, 58
local CLOSER = { [OPEN_BRACE] = CLOSE_BRACE, [OPEN_BRACKET] = CLOSE_BRACKET }
local NUMBER = { "^%-?0()", "^%-?[1-9]%d*()" }
local WORDS = { ["true"] = true, ["false"] = true, ["null"] = true }


-- first position at or after pos that is not JSON white space
local function skip_blank(text, pos)
  return (find(text, "[^ \t\r\n]", pos)) or #text + 1
end


-- pos: at the opening quote; gives the position of the closing one
local function string_end(text, pos)
  pos = pos + 1
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
  pos = pos + 1
  while true do
    pos = find(text, '["%[%]{}]', pos)
    if not pos then
      return nil
    end
    local char = byte(text, pos)
    if char == QUOTE then
      pos = string_end(text, pos)
      if not pos then
        return nil
      end
    elseif char == OPEN_BRACE or char == OPEN_BRACKET then
      depth = depth + 1
      closers[depth] = CLOSER[char]
    elseif char ~= closers[depth] then
      return nil
    else
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


-- The members of the object that is the whole of text, in order: {key = raw text between the quotes, from, to} where
-- text:sub(from, to) is the value. nil and what is wrong where, if it is not such an object.
function _M.members(text)
  local members, count = {}, 0
  local pos = skip_blank(text, 1)
  if byte(text, pos) ~= OPEN_BRACE then
    return nil, "wanted a JSON object"
  end
  pos = skip_blank(text, pos + 1)
  local char = byte(text, pos)
  while char ~= CLOSE_BRACE or count > 0 do
    if char ~= QUOTE then
      return nil, "wanted a member's name at byte " .. pos
    end
    local key_end = string_end(text, pos)
    if not key_end then
      return nil, "a name that starts at byte " .. pos .. " has no end"
    end
    local colon = skip_blank(text, key_end + 1)
    if byte(text, colon) ~= COLON then
      return nil, "wanted a colon at byte " .. colon
    end
    local from = skip_blank(text, colon + 1)
    local to = value_end(text, from)
    if not to then
      return nil, "wanted a value at byte " .. from
    end
    count = count + 1
    members[count] = { key = sub(text, pos + 1, key_end - 1), from = from, to = to }
    pos = skip_blank(text, to + 1)
    char = byte(text, pos)
    if char == CLOSE_BRACE then
      break
    end
    if char ~= COMMA then
      return nil, "wanted a comma or the end of the object at byte " .. pos
    end
    pos = skip_blank(text, pos + 1)
    char = byte(text, pos)
  end
  if skip_blank(text, pos + 1) <= #text then
    return nil, "wanted nothing after the object, at byte " .. skip_blank(text, pos + 1)
  end
  return members
end


local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

-- text as a JSON string, with its quotes
function _M.quote(text)
  return '"' .. text:gsub('[%c"\\]', function(char)
    return ESCAPES[char] or ("\\u%04x"):format(byte(char))
  end) .. '"'
end


return _M
