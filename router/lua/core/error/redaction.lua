-- Takes a key out of a text in which an endpoint says back what it was sent: as it is, in hex, in base64 (of other words
-- around it, too), and each of these with JSON's escapes or percent-encoding. Time grows with the text, and not with what
-- is in it.

local byte, find, format, gsub, lower, sub = string.byte, string.find, string.format, string.gsub, string.lower, string.sub
local floor, ceil = math.floor, math.ceil

local _M = {}

local HIDDEN = "***"
local SHORTEST = 8 -- a shorter one would be found in ordinary words
local BITS = 6 -- of a character of base64
local PADS = { "", "\0", "\0\0" } -- a key begins at one of three places in a group of base64


-- What of base64 is the key's alone: not of what stands before and after it.
local function in_base64(key, pad, encode)
  local first = ceil(#pad * 8 / BITS) + 1
  return sub(encode(pad .. key), first, floor((#pad + #key) * 8 / BITS))
end


-- The forms of a key. encode: to base64.
function _M.forms(key, encode)
  if #key < SHORTEST then
    return {}
  end
  local hex = gsub(key, ".", function(character) return format("%02x", byte(character)) end)
  local forms, known = {}, {}
  local function add(form)
    if not known[form] then
      known[form], forms[#forms + 1] = true, form
    end
  end
  add(key)
  add(hex)
  add(hex:upper())
  for i = 1, #PADS do
    local form = in_base64(key, PADS[i], encode)
    add(form)
    add((gsub(gsub(form, "+", "-"), "/", "_")))
  end
  return forms
end


-- Where this character ends at a place of the text, however it is written; nil: another one stands there.
local function character_end(text, at, character)
  if sub(text, at, at) == character then
    return at
  end
  local mark = sub(text, at, at)
  local code = format("%02x", byte(character))
  if mark == "%" then
    return lower(sub(text, at + 1, at + 2)) == code and at + 2 or nil
  end
  if mark ~= "\\" then
    return nil
  end
  if lower(sub(text, at + 1, at + 5)) == "u00" .. code then
    return at + 5
  end
  return sub(text, at + 1, at + 1) == character and at + 1 or nil
end


local function form_end(text, at, form)
  for i = 1, #form do
    local to = character_end(text, at, sub(form, i, i))
    if not to then
      return nil
    end
    at = to + 1
  end
  return at - 1
end


local function without(text, form)
  local starts = "[" .. gsub(sub(form, 1, 1), "%W", "%%%0") .. "\\%%]"
  local parts, from, at = {}, 1, find(text, starts)
  while at do
    local to = form_end(text, at, form)
    if to then
      parts[#parts + 1], parts[#parts + 2] = sub(text, from, at - 1), HIDDEN
      from = to + 1
    end
    at = find(text, starts, (to or at) + 1)
  end
  parts[#parts + 1] = sub(text, from)
  return table.concat(parts)
end


-- The text without them.
function _M.hide(text, forms)
  for i = 1, #forms do
    text = without(text, forms[i])
  end
  return text
end


return _M
