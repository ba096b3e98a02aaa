-- The answer of a second endpoint, joined to what a caller has already been sent of the first one's
-- (core/answer/transcript.lua).
--
-- Restart: the second answer starts from the beginning (restart_diff.lua tells what is new of it). Continue: the second
-- endpoint was given what was sent and goes on from there (continue_diff.lua). Where the two do not fit together, it is
-- none to go on with: DIFFERS. Same interface as core/answer/stream.lua, and after the join the same bytes.

local find = string.find
local gsub = string.gsub
local sub = string.sub

local restart_diff = require "core.answer.restart_diff"
local chunk = require "core.answer.chunk"
local continue_diff = require "core.answer.continue_diff"
local event_rewrite = require "core.answer.event_rewrite"
local sse = require "core.answer.sse"
local transcripts = require "core.answer.transcript"

local _M = {}
local splice = {}
splice.__index = splice

_M.DIFFERS = "differs"


-- events: the second answer's stream. sent: the transcript, which is kept up to date. continues: the channel that the second
-- endpoint was asked to go on with (nil: it starts again). note: a comment for the caller, sent where they join.
-- decode, encode: of JSON.
function _M.new(events, sent, continues, note, decode, encode)
  local texts = sent:texts()
  return setmetatable({
    events = events, reader = events.reader, finished = false, joined = false, differs = nil, transcript = sent,
    way = continues and continue_diff.new(continues, texts[0][continues], sent:pieces(0, continues))
      or restart_diff.new(texts),
    note = ": " .. note .. "\n\n", decode = decode, encode = encode,
  }, splice)
end


local function record(self, index, texts, tools)
  self.transcript:record(index, texts)
  for i = 1, #tools do
    local tool = tools[i]
    if tool.raw then
      self.transcript:record(index, { tool_calls = { tool.raw } })
    else
      transcripts.add(self.transcript:channel(index, ("tool:%d:arguments"):format(tool.index)), tool.arguments)
    end
  end
end


-- One choice of an event, said anew; "" when nothing of it is new.
local function choice_of(self, choice)
  local index = tonumber(choice.index) or 0
  local delta = type(choice.delta) == "table" and choice.delta or { text = choice.text }
  local is_end = type(choice.finish_reason) == "string"
  local texts, tools = self.way:news(index, delta, is_end)
  if not texts then
    self.differs = "the answer differs from what was sent"
    return ""
  end
  if next(texts) == nil and not tools[1] and not is_end then
    return ""
  end
  record(self, index, texts, tools)
  return event_rewrite.choice(choice, texts, tools, self.encode)
end


-- One event, said anew.
local function event_of(self, event)
  local data = sse.data(event)
  if data == "[DONE]" then
    return "data: [DONE]\n\n"
  end
  local value = data and data ~= "" and self.decode(data)
  if value == nil and data then
    self.differs = "the answer says half a character"
  end
  if type(value) ~= "table" or type(value.choices) ~= "table" then
    return ""
  end
  local choices = {}
  for i = 1, #value.choices do
    local said = choice_of(self, value.choices[i])
    if said ~= "" then
      choices[#choices + 1] = said
    end
  end
  local usage = type(value.usage) == "table" and (choices[1] or #value.choices == 0) and value.usage
  if self.differs or not choices[1] and not usage then
    return ""
  end
  return event_rewrite.event(value, choices, usage, self.encode)
end


-- Whole events in, what is new of them out. Nothing new yet: a comment, so that a caller who counts silence stays.
local function rewrite(self, text)
  local out, pos, has_cr = {}, 1, sse.has_cr(text)
  while pos <= #text and not self.differs do
    local stop, next_pos = sse.boundary(text, pos, true, has_cr)
    local said = event_of(self, sub(text, pos, stop or #text))
    if said ~= "" then
      out[#out + 1] = said
    end
    pos = next_pos or #text + 1
  end
  if self.way:is_joined() then
    self.joined = true
    self.reader:record_into(self.transcript)
    table.insert(out, 1, self.note)
  end
  return out[1] and table.concat(out) or text ~= "" and ":\n\n" or ""
end


-- The provider counts what it was given to go on from as prompt; for the caller it is completion.
local function as_completion(self, text)
  if self.way.pieces == 0 or not find(text, '"usage":', 1, true) then
    return text
  end
  local function shifted(by)
    return function(name, digits)
      return name .. ("%.0f"):format(math.max(0, tonumber(digits) + by))
    end
  end
  text = gsub(text, '("prompt_tokens": *)(%d+)', shifted(-self.way.pieces))
  text = gsub(text, '("completion_tokens": *)(%d+)', shifted(self.way.pieces))
  return text
end


-- As core/answer/stream.lua's, and one more kind of end: DIFFERS.
function splice:feed(bytes, final)
  local out, progress, kind, detail = self.events:feed(bytes, final)
  self.finished = self.events.finished
  if not self.joined then
    out = rewrite(self, out)
    if not self.joined and kind == chunk.DONE then
      self.differs = self.differs or "the answer ended before it had said what was sent"
    end
    if self.differs then
      self.finished = false
      return out, progress, _M.DIFFERS, self.differs
    end
  end
  return as_completion(self, out), progress, kind, detail
end


return _M
