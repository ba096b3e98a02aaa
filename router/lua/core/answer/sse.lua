-- Server-sent events, as bytes: where one event ends and the next begins, and which data an event carries.
-- Lines end in LF, CRLF or CR; an event ends at an empty line; several data lines are joined by LF (WHATWG, 9.2.6).

local byte = string.byte
local find = string.find
local gsub = string.gsub
local match = string.match
local sub = string.sub
local concat = table.concat

local _M = {}

local CR, LF = 13, 10
local BOM = "\239\187\191"
local BOM_LENGTH, BOM_FIRST = #BOM, 239


-- The general case: any mix of line ends. A CR that is the last byte seen may be half a CRLF, so it ends no line yet.
local function boundary_of_lines(text, pos, final)
  local line = pos
  while true do
    local stop = find(text, "[\r\n]", line)
    if not stop then
      return nil
    end
    local after = stop + 1
    if byte(text, stop) == CR then
      if after > #text and not final then
        return nil
      end
      if byte(text, after) == LF then
        after = after + 1
      end
    end
    if stop == line then
      return line - 1, after
    end
    line = after
  end
end


-- The event that starts at pos: the position of its last byte (its line ends included, the empty line not) and of the
-- next event. nil while the empty line has not come. final: no more bytes will come. has_cr: of the text; a caller that
-- reads many events of one text looks for that once.
function _M.boundary(text, pos, final, has_cr)
  if has_cr or byte(text, pos) == LF then
    return boundary_of_lines(text, pos, final)
  end
  local first = find(text, "\n\n", pos, true)
  if first then
    return first, first + 2
  end
  return nil
end


-- Is there an empty line, or the start of one, in any mix of line ends? No event ends without.
function _M.has_empty_line(text)
  return find(text, "\n\n", 1, true) ~= nil or find(text, "\n\r", 1, true) ~= nil or find(text, "\r\r", 1, true) ~= nil
end


function _M.has_cr(text)
  return find(text, "\r", 1, true) ~= nil
end


-- A byte order mark may come first in a stream, and only there: its length, 0 without one.
function _M.bom_length(text)
  return byte(text) == BOM_FIRST and sub(text, 1, BOM_LENGTH) == BOM and BOM_LENGTH or 0
end


function _M.without_bom(text)
  local length = _M.bom_length(text)
  return length == 0 and text or sub(text, length + 1)
end


-- Could text still turn out to start with a byte order mark?
function _M.is_bom_prefix(text)
  return #text < BOM_LENGTH and sub(BOM, 1, #text) == text
end


local function of_lines(event)
  local data, count, name
  local pos, colon = 1, find(event, ":", 1, true)
  while pos <= #event do
    local stop = find(event, "[\r\n]", pos) or #event + 1
    if stop > pos then
      if colon and colon < pos then
        colon = find(event, ":", pos, true)
      end
      local field, value
      if not colon or colon >= stop then
        field, value = sub(event, pos, stop - 1), ""
      else
        field = sub(event, pos, colon - 1)
        local from = byte(event, colon + 1) == 32 and colon + 2 or colon + 1
        value = sub(event, from, stop - 1)
      end
      if field == "data" then
        data = data or {}
        count = (count or 0) + 1
        data[count] = value
      elseif field == "event" then
        name = value
      end
    end
    pos = stop + 1
  end
  return data and concat(data, "\n"), name
end


-- The data of an event and its name; nil when it carries none (a comment, for one).
function _M.data(event)
  local first = byte(event, 1)
  if first == 100 then -- "d": one line of data is what nearly every event is
    local _, stop = find(event, "\n", 1, true)
    if stop == #event and not find(event, "\r", 1, true) then
      if sub(event, 1, 6) == "data: " then
        return sub(event, 7, -2)
      end
    end
  end
  return of_lines(event)
end


-- The data of an event that has none, but where its field lost its name (gateways that rewrite events do that) or has one
-- that is no field ("error: {...}", llama.cpp's). And then the name of the event: "error", or nil.
function _M.unnamed(event)
  local failure = match(event, "^error: ?({.*})[\r\n]*$")
  if failure then
    return failure, "error"
  end
  return match(event, "^({.*})[\r\n]*$") or match(event, "^(%[DONE%])[\r\n]*$")
end


-- The data of all events of a stream that is all here, in their order.
function _M.all(text)
  local found, pos, has_cr = {}, 1, _M.has_cr(text)
  while pos <= #text do
    local stop, next_pos = _M.boundary(text, pos, true, has_cr)
    found[#found + 1] = _M.data(sub(text, pos, stop or #text))
    pos = next_pos or #text + 1
  end
  return found
end


-- An event with this data, which may have several lines; name: its own, or nil.
function _M.event(data, name)
  return (name and "event: " .. name .. "\n" or "") .. "data: " .. gsub(data, "\n", "\ndata: ") .. "\n\n"
end


return _M
