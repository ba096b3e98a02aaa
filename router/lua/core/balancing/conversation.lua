-- How a conversation starts, as text: what all its turns have in common, and what a provider's prefix cache holds. The
-- system prompt and everything up to the first message of the user, as the caller wrote it; never decoded, because a
-- prompt may be a megabyte.

local byte = string.byte
local min = math.min
local sub = string.sub

local scan = require "core.json.scan"

local skip_blanks = scan.skip_blanks

local _M = {}

local BEFORE = { system = true, instructions = true } -- what stands before the turns
local TURNS = { messages = true, input = true, prompt = true }
local TEXT_MAX_BYTES = 1024 -- of a prompt that is one text: a longer one grows from turn to turn
local USER = '"user"'
local QUOTE, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, COMMA = 34, 91, 93, 123, 44


local function is_users(text, from, to, pause)
  local members = byte(text, from) == OPEN_BRACE and scan.members(text, pause, from, to)
  if members then
    for i = 1, #members, 3 do
      if members[i] == "role" then
        return members[i + 2] - members[i + 1] + 1 == #USER and sub(text, members[i + 1], members[i + 2]) == USER
      end
    end
  end
  return false
end


-- Where the first turn of the user ends in the list that starts at from; else the list's end.
local function first_turn_end(text, from, to, pause)
  local pos = skip_blanks(text, from + 1, pause)
  while pos < to and byte(text, pos) ~= CLOSE_BRACKET do
    local stop = scan.value_end(text, pos, pause)
    if not stop or is_users(text, pos, stop, pause) then
      return stop or to
    end
    pos = skip_blanks(text, stop + 1, pause)
    if byte(text, pos) == COMMA then
      pos = skip_blanks(text, pos + 1, pause)
    end
  end
  return to
end


-- members: what scan.members() says of body. nil when it has no turns. pause: as there.
function _M.start(body, members, pause)
  local before, from, to = "", nil, nil
  for i = 1, #members, 3 do
    if BEFORE[members[i]] then
      before = sub(body, members[i + 1], members[i + 2])
    elseif TURNS[members[i]] then
      from, to = members[i + 1], members[i + 2]
    end
  end
  local first = from and byte(body, from)
  if first == OPEN_BRACKET then
    return before .. sub(body, from, first_turn_end(body, from, to, pause))
  end
  if first == QUOTE then
    return before .. sub(body, from, min(to, from + TEXT_MAX_BYTES))
  end
end


return _M
