-- What is new in an answer that continues what was sent. Some providers start again instead, or repeat what they were
-- given. As long as the answer could be such a repetition, it is held back. Once it has repeated all that was sent, the
-- repetition is left out if no text could continue that way. If one could (equal lines, a list), nobody can decide, and
-- the answer is generated again.

local find = string.find
local sub = string.sub

local _M = {}
local onward = {}
onward.__index = onward

local ECHO_MIN_BYTES = 16 -- fewer could be how a continuation just happens to begin ("ha", "haha")


-- name: the channel that is continued; before: what was sent of it; pieces: in how many, about as many as tokens.
function _M.new(name, before, pieces)
  return setmetatable({ name = name, before = before, pieces = pieces, heard = "" }, onward)
end


-- Can the text not be followed by itself? Words have something between them: where it ends inside of them, its beginning
-- does not follow.
local function is_no_unit(text)
  return #text >= ECHO_MIN_BYTES and find(text, "^%w") and find(text, "[%w%p]$") and find(text, "%s")
end


-- What is new in the channel's text; "" while that is not certain, nil when nobody can decide.
local function go_on(self, text, is_end)
  if not self.heard then
    return text
  end
  local heard, before = self.heard .. text, self.before
  self.heard = heard
  if #heard >= #before and sub(heard, 1, #before) == before then
    if not is_no_unit(before) then
      return nil
    end
    self.heard, self.pieces = nil, 0
    return sub(heard, #before + 1)
  end
  if is_end or sub(before, 1, #heard) ~= heard then
    self.heard = nil
    return heard
  end
  return ""
end


-- As restart_diff.lua's. The answer may say anything once it is known to go on.
function onward:news(_, delta, is_end)
  local name = self.name
  local calls = type(delta.tool_calls) == "table" and delta.tool_calls or {}
  local was_joined = self.heard == nil
  local text = go_on(self, type(delta[name]) == "string" and delta[name] or "", is_end or #calls > 0)
  if not text then
    return nil
  end
  local tools, texts = {}, {}
  for position = 1, #calls do
    tools[position] = { position = position, call = calls[position] }
  end
  for channel, value in pairs(was_joined and delta or {}) do
    if type(value) == "string" and value ~= "" and channel ~= "role" then
      texts[channel] = value
    end
  end
  texts[name] = text ~= "" and text or nil
  return texts, tools
end


function onward:is_joined()
  return self.heard == nil
end


return _M
