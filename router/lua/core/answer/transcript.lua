-- What a caller has been sent of a streamed answer, as text: another endpoint continues from there when the answer breaks
-- off. Stored by choice and channel ("content", "reasoning_content", "text", "tool:0:arguments", …), in pieces that are
-- joined now and then: a piece for each token costs next to nothing, and a long answer is stored once.

local concat = table.concat

local tool_calls = require "core.answer.tool_calls"

local _M = {}
local transcript = {}
transcript.__index = transcript

local PIECES_MAX = 64

_M.REASONING = { reasoning_content = true, reasoning = true }
-- Members of a delta that are no text of their own.
local IGNORED = { role = true, reasoning_details = true }


-- is_opaque: something was sent that is no text, so nobody can continue it. has_more: more was sent than is kept here
-- (probabilities). identity: what all events of the answer have in common (event_rewrite.lua). finished: the choices that
-- have. calls: tool calls by choice; ids: those of the first choice's, by their place.
function _M.new()
  return setmetatable({
    choices = {}, calls = {}, ids = {}, finished = {}, identity = nil, is_opaque = false, has_more = false,
  }, transcript)
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


-- What the channels of a tool call start with; place: among the calls of its choice, from 0.
function _M.prefix(place)
  return ("tool:%d:"):format(place)
end


local function record_tools(self, index, calls)
  local known = self.calls[index] or tool_calls.new()
  self.calls[index] = known
  for position = 1, #calls do
    local call = calls[position]
    local place = known:place_of(call, position)
    local name, arguments, is_odd = tool_calls.parts(call)
    self.is_opaque = self.is_opaque or is_odd
    if index == 0 and type(call.id) == "string" and call.id ~= "" then
      self.ids[place] = self.ids[place] or call.id
    end
    local named = self:channel(index, _M.prefix(place) .. "name")
    if name ~= "" and name ~= text_of(named) then -- some say it again with every piece
      _M.add(named, name)
    end
    _M.add(self:channel(index, _M.prefix(place) .. "arguments"), arguments)
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
    elseif type(value) == "table" and next(value) ~= nil then
      self.is_opaque = self.is_opaque or not IGNORED[name]
      self.has_more = true
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
