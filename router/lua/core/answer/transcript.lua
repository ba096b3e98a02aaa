-- What a caller has been sent of a streamed answer, as text: another endpoint goes on from it when the answer breaks off.
-- Kept by choice and channel ("content", "reasoning_content", "text", "tool:0:arguments", …), in pieces that are joined
-- now and then: a piece a token costs next to nothing, and a long answer is held once.

local concat = table.concat

local _M = {}
local transcript = {}
transcript.__index = transcript

local PIECES_MAX = 64

_M.REASONING = { reasoning_content = true, reasoning = true }
-- Members of a delta that are no text of their own.
local IGNORED = { role = true, reasoning_details = true }


-- is_opaque: something was sent that is no text, so nobody can go on from it. ids: of the first choice's tool calls, by
-- their index.
function _M.new()
  return setmetatable({ choices = {}, ids = {}, is_opaque = false }, transcript)
end


-- The channel of a choice; keep it and add to it.
function transcript:channel(index, name)
  local choice = self.choices[index]
  if not choice then
    choice = {}
    self.choices[index] = choice
  end
  local channel = choice[name]
  if not channel then
    channel = { joined = "", pieces = {}, count = 0, total = 0 }
    choice[name] = channel
  end
  return channel
end


function _M.add(channel, text)
  local count = channel.count + 1
  channel.pieces[count] = text
  channel.total = channel.total + 1
  if count == PIECES_MAX then
    channel.joined = channel.joined .. concat(channel.pieces)
    count = 0
  end
  channel.count = count
end


local function text_of(channel)
  return channel.joined .. concat(channel.pieces, "", 1, channel.count)
end


-- The parts of a tool call that are text, by the names of their channels.
function _M.tool_parts(call, place)
  local prefix = "tool:" .. (tonumber(call.index) or place - 1) .. ":"
  local named = type(call["function"]) == "table" and call["function"] or {}
  return prefix, type(named.name) == "string" and named.name or "",
         type(named.arguments) == "string" and named.arguments or ""
end


local function record_tools(self, index, calls)
  for place = 1, #calls do
    local call = calls[place]
    local prefix, name, arguments = _M.tool_parts(call, place)
    if index == 0 and type(call.id) == "string" then
      self.ids[tonumber(call.index) or place - 1] = call.id
    end
    _M.add(self:channel(index, prefix .. "name"), name)
    _M.add(self:channel(index, prefix .. "arguments"), arguments)
  end
end


-- Remembers a delta that is passed on.
function transcript:record(index, delta)
  for name, value in pairs(delta) do
    if type(value) == "string" then
      if value ~= "" and not IGNORED[name] then
        _M.add(self:channel(index, name), value)
      end
    elseif name == "tool_calls" and type(value) == "table" then
      record_tools(self, index, value)
    elseif type(value) == "table" and next(value) ~= nil and not IGNORED[name] then
      self.is_opaque = true
    end
  end
end


-- choice -> channel -> text
function transcript:texts()
  local texts = {}
  for index, channels in pairs(self.choices) do
    texts[index] = {}
    for name, channel in pairs(channels) do
      texts[index][name] = text_of(channel)
    end
  end
  return texts
end


-- How many pieces of a channel were sent: about as many as tokens.
function transcript:pieces(index, name)
  local channel = self.choices[index] and self.choices[index][name]
  return channel and channel.total or 0
end


return _M
