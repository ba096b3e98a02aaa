-- The frame around the text of a stream's events, learned once: JSON that differs from decoded JSON only inside one string,
-- by plain characters, is JSON again and means the same. Decoding every event would cost a tenth of the throughput.

local byte = string.byte
local find = string.find
local sub = string.sub

local _M = {}

local MISSES_MAX = 8
local QUOTE, BACKSLASH, SPACE, DELETE = 34, 92, 32, 127
local SHORT_BYTES = 64 -- of a text that is looked through byte by byte, as machine code; a pattern cannot become any


-- before, after: what stands around the text; nil while nothing is learned.
function _M.new()
  return { before = nil, after = nil, before_length = 0, after_length = 0, misses = 0 }
end


-- Does text continue with part at pos? A search is the cheapest way to find out, and makes no string. But a search that
-- fails reads all the remaining text, so after some failures it is no longer used.
local function goes_on(frame, text, part, length, pos)
  if frame.misses < MISSES_MAX then
    local start = find(text, part, pos, true)
    if start == pos then
      return true
    end
    frame.misses = frame.misses + 1
    return false
  end
  return sub(text, pos, pos + length - 1) == part
end


-- Is text[first..quote-1] made of plain characters, and does it end at that quote? Texts of events are a word, mostly.
local function is_plain(text, first, quote)
  if quote - first > SHORT_BYTES then
    return find(text, '["\\%c]', first) == quote
  end
  for i = first, quote - 1 do
    local char = byte(text, i)
    if char < SPACE or char == QUOTE or char == BACKSLASH or char == DELETE then
      return false
    end
  end
  return byte(text, quote) == QUOTE
end


-- Does the event text[from..to] differ from the learned one only by plain characters inside its text, and has it any?
-- Then gives where that text starts and ends. By positions, so that no string is made.
function _M.fits(frame, text, from, to)
  local before = frame.before
  if not before then
    return nil
  end
  local first, quote = from + frame.before_length, to - frame.after_length + 1
  if quote > first and goes_on(frame, text, before, frame.before_length, from)
      and is_plain(text, first, quote) and goes_on(frame, text, frame.after, frame.after_length, quote) then
    return first, quote - 1
  end
  return nil
end


-- Remembers what stands before and after the text of an event, when that is certain: the member occurs once, and its text
-- needs no escapes. keys: the members of delta that hold text, most frequent first. Gives its key.
function _M.learn(frame, event, delta, keys)
  for i = 1, #keys do
    local text = delta[keys[i]]
    if type(text) == "string" and text ~= "" then
      local name = '"' .. keys[i] .. '":'
      local _, colon = find(event, name, 1, true)
      if not colon or find(event, name, colon, true) then
        return nil
      end
      local _, quote = find(event, '^ ?"', colon + 1)
      if not quote or sub(event, quote + 1, quote + #text + 1) ~= text .. '"' or find(text, '["\\%c]') then
        return nil
      end
      frame.before, frame.before_length = sub(event, 1, quote), quote
      frame.after = sub(event, quote + #text + 1)
      frame.after_length = #frame.after
      return keys[i]
    end
  end
  return nil
end


return _M
