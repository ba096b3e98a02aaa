-- Streams whose events end at one line end instead of an empty line, or are lines of JSON and nothing else (NDJSON): each
-- line of data is made an event of its own.

local byte = string.byte
local find = string.find
local gsub = string.gsub
local match = string.match
local sub = string.sub

local _M = {}

local CR, LF, OPEN_BRACE = 13, 10, 123
local DATA, DONE = "data:", "[DONE]"
local TWICE = "^data: ?data:"
local LINE = "^data: ?({[^\r\n]*})[ \t]*\r?\n()"
local NAMED_LINE = "^event:[^\r\n]*\r?\ndata: ?({[^\r\n]*})[ \t]*\r?\n()"
-- What only a piece of an answer has, in its first line.
local OF_PIECES = { '"delta"', '"message_start"', '"response.created"' }
local TYPES = { "ndjson", "jsonl", "json-lines", "stream+json" }


-- Is the event at pos over at the end of a line, without an empty one behind? decode: of JSON. final: no more will come.
function _M.are_events(text, pos, decode, final)
  if not final and not find(text, "}\n", pos, true) and not find(text, "}\r", pos, true) then
    return false -- nearly always: an event that was torn
  end
  if final then
    text, pos = gsub(sub(text, pos), "[\r\n]+$", "") .. "\n", 1
  end
  local data, after = match(text, LINE, pos)
  if not data then
    data, after = match(text, NAMED_LINE, pos)
  end
  local char = data and (byte(text, after) or final and 0)
  return char and char ~= LF and char ~= CR and type(decode(data)) == "table"
end


-- Is the start of an answer, an opening brace, that of a stream of such lines?
function _M.are_json(start, content_type)
  for i = 1, content_type and #TYPES or 0 do
    if find(content_type, TYPES[i], 1, true) then
      return true
    end
  end
  local line, rest = match(start, "^({[^\r\n]*})[ \t]*[\r\n]+()")
  if not line or byte(start, rest) == OPEN_BRACE then
    return line ~= nil
  end
  for i = 1, #OF_PIECES do
    if find(line, OF_PIECES[i], 1, true) then
      return true
    end
  end
  return false
end


local function as_event(line)
  if byte(line) == OPEN_BRACE or line == DONE then
    return DATA .. " " .. line .. "\n\n"
  end
  return line .. (sub(line, 1, #DATA) == DATA and "\n\n" or "\n")
end


-- Text with an empty line behind every line of data that has ended. final: and no more will come.
function _M.parted(text, final)
  if final and text ~= "" and not find(text, "[\r\n]$") then
    text = text .. "\n"
  end
  return (gsub(text, "([^\r\n]+)[\r\n]+", as_event))
end


-- An event with several lines of data as an event for each, and one whose field stands there twice with one; nil: it is
-- neither.
function _M.split(event)
  if find(event, TWICE) then
    return (gsub(event, TWICE, DATA))
  end
  local first = find(event, DATA, 1, true)
  if not first or not find(event, "[\r\n]data:", first + #DATA) then
    return nil
  end
  return _M.parted(event, true)
end


return _M
