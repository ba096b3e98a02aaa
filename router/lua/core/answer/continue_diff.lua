-- What is new of an answer that goes on from what was sent. Some providers do not go on but start again, or say what they
-- were given once more: as long as the answer could be that, it is held; once it has said all that was sent, that is left
-- out.

local sub = string.sub

local _M = {}
local onward = {}
onward.__index = onward

local ECHO_MIN_BYTES = 16 -- fewer could be how a continuation just happens to begin ("ha", "haha")


-- name: the channel that is gone on with; before: what was sent of it; pieces: in how many, about as many as tokens.
function _M.new(name, before, pieces)
  return setmetatable({ name = name, before = before, pieces = pieces, heard = "" }, onward)
end


-- What is new of the channel's text; "" while that is not certain, nil when it cannot be told.
local function go_on(self, text, is_end)
  if not self.heard then
    return text
  end
  local heard, before = self.heard .. text, self.before
  self.heard = heard
  if #heard >= #before and sub(heard, 1, #before) == before then
    if #before < ECHO_MIN_BYTES then
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


function onward:news(_, delta, is_end)
  local name = self.name
  local given = type(delta[name]) == "string" and delta[name] or ""
  local has_tools = type(delta.tool_calls) == "table" and #delta.tool_calls > 0
  local text = go_on(self, given, is_end or has_tools)
  if not text then
    return nil
  end
  local tools = {}
  for place = 1, has_tools and #delta.tool_calls or 0 do
    tools[place] = { raw = delta.tool_calls[place] }
  end
  return { [name] = text ~= "" and text or nil }, tools
end


function onward:is_joined()
  return self.heard == nil
end


return _M
