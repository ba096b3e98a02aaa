-- The answer of a second endpoint, joined to what a caller has already been sent of the first one's
-- (core/answer/transcript.lua).
--
-- Restart: the second answer starts from the beginning (restart_diff.lua finds what is new in it). Continue: the second
-- endpoint got what was sent and continues from there (continue_diff.lua). If the two answers do not fit together, they
-- cannot be joined: DIFFERS. Same interface as core/answer/stream.lua. To the caller it is one answer: all of its chunks
-- have the first one's id, created, model and fingerprint.

local find = string.find
local gsub = string.gsub
local sub = string.sub

local chunk = require "core.answer.chunk"
local continue_diff = require "core.recovery.continue_diff"
local edit = require "core.json.edit"
local event_rewrite = require "core.answer.event_rewrite"
local finish_reason = require "core.answer.finish_reason"
local lenient = require "core.json.lenient"
local restart_diff = require "core.recovery.restart_diff"
local sse = require "core.answer.sse"
local transcripts = require "core.answer.transcript"

local _M = {}
local splice = {}
splice.__index = splice

_M.DIFFERS = "differs"


-- events: the second answer's stream. sent: the transcript, which is kept up to date. how: note, a word for the caller
-- where they join; continues, the channel that the second endpoint was asked to go on with (nil: it starts again); tools,
-- the names of the caller's (name -> true). decode, encode: of JSON.
function _M.new(events, sent, how, decode, encode)
  local continues = how.continues
  return setmetatable({
    events = events, reader = events.reader, finished = false, joined = false, differs = nil, transcript = sent,
    held_logprobs = {},
    way = continues and continue_diff.new(continues, sent:texts()[0][continues], sent:pieces(0, continues))
      or restart_diff.new(sent, how.tools),
    note = how.note, decode = decode, encode = encode,
  }, splice)
end


-- A sign of life while nothing new comes; nil when there can be none.
function splice:beat()
  local identity = self.transcript.identity
  return not self.joined and identity and event_rewrite.nothing(identity) or nil
end


local function record(self, index, texts, tools)
  self.transcript:record(index, texts)
  for i = 1, #tools do
    local tool = tools[i]
    if tool.call then
      self.transcript:record(index, { tool_calls = { tool.call } })
    else
      local prefix = transcripts.prefix(tool.place)
      transcripts.add(self.transcript:channel(index, prefix .. "name"), tool.name)
      transcripts.add(self.transcript:channel(index, prefix .. "arguments"), tool.arguments)
    end
  end
end


-- Whole calls as they were written, under an index that no other call has.
local function with_raw_calls(raw, tools)
  local calls
  for _, tool in ipairs(tools) do
    if tool.call then
      calls = calls or edit.items(edit.get(edit.get(raw, "delta"), "tool_calls"))
      tool.raw = calls[tool.position]
      if tool.index and tool.index ~= tool.call.index then
        tool.call.index = tool.index
        tool.raw = edit.set(tool.raw, { index = ("%d"):format(tool.index) })
      end
    end
  end
end


-- The text of a continuation is held while it could be a repetition, and its probabilities with it.
local function hold_logprobs(self, index, raw)
  local logprobs = self.way.heard and edit.get(raw, "logprobs")
  local items = logprobs and edit.items(edit.get(logprobs, "content") or "")
  for i = 1, #(items or {}) do
    self.held_logprobs[index] = self.held_logprobs[index] or {}
    table.insert(self.held_logprobs[index], items[i])
  end
end


local function with_held_logprobs(self, index, raw)
  local held, logprobs = self.held_logprobs[index], edit.get(raw, "logprobs")
  local items = held and logprobs and edit.items(edit.get(logprobs, "content") or "")
  if not items then
    return raw
  end
  self.held_logprobs[index] = nil
  for i = 1, #items do
    held[#held + 1] = items[i]
  end
  return edit.set(raw, { logprobs = edit.set(logprobs, { content = edit.list(held) }) })
end


-- One choice of an event, rewritten; nil when nothing in it is new.
local function choice_of(self, raw, choice)
  local index = tonumber(choice.index) or 0
  local delta = type(choice.delta) == "table" and choice.delta or { text = choice.text }
  local reason = finish_reason(choice.finish_reason)
  local texts, tools, is_over = self.way:news(index, delta, reason ~= nil)
  if not texts then
    self.differs = "the answer differs from what was sent"
    return nil
  end
  if is_over or next(texts) == nil and not tools[1] and not reason then
    hold_logprobs(self, index, raw)
    return nil
  end
  raw = with_held_logprobs(self, index, raw)
  with_raw_calls(raw, tools)
  record(self, index, texts, tools)
  self.transcript.finished[index] = reason and true or nil
  return event_rewrite.choice(raw, choice, texts, tools, self.decode)
end


-- One event, rewritten; "" when nothing in it is new.
local function event_of(self, event)
  local data = sse.data(event)
  if data == "[DONE]" then
    return "data: [DONE]\n\n"
  end
  local value, is_mended = nil, false
  if data and data ~= "" then
    value, is_mended = lenient(self.decode, data)
  end
  if is_mended and not self.joined then
    self.differs = "the answer says half a character"
  end
  self.transcript.is_opaque = self.transcript.is_opaque or is_mended
  if type(value) ~= "table" or type(value.choices) ~= "table" then
    return ""
  end
  local raws, choices = edit.items(edit.get(data, "choices")), {}
  for i = 1, #value.choices do
    choices[#choices + 1] = choice_of(self, raws[i], value.choices[i])
  end
  local has_usage = type(value.usage) == "table" and self.encode(value.usage) ~= nil
  local is_account = type(value.usage) == "table" and #value.choices == 0
  if self.differs or not choices[1] and not is_account then
    return ""
  end
  return event_rewrite.event(data, choices, has_usage, self.transcript.identity)
end


-- Whole events in, what is new of them out.
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
  if not self.joined and self.way:is_joined() then
    local identity = self.transcript.identity
    self.joined = true
    table.insert(out, 1, identity and event_rewrite.nothing(identity, self.note) or "")
  end
  return table.concat(out)
end


-- The provider counts the text that it continues as prompt; for the caller it is completion.
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


-- Feeds the second answer and joins it by `rewritten(self, text)`. Results as of core/answer/stream.lua's feed, and one more
-- kind of end: DIFFERS.
function _M.join(self, rewritten, bytes, final)
  local out, progress, kind, detail = self.events:feed(bytes, final)
  self.finished = self.events.finished
  out = rewritten(self, out)
  if not self.joined and kind == chunk.DONE then
    self.differs = self.differs or "the answer ended before it had said what was sent"
  end
  if self.differs then
    self.finished = false
    return out, progress, _M.DIFFERS, self.differs
  end
  return out, progress, kind, detail
end


function splice:feed(bytes, final)
  local out, progress, kind, detail = _M.join(self, rewrite, bytes, final)
  return kind == _M.DIFFERS and out or as_completion(self, out), progress, kind, detail
end


return _M
