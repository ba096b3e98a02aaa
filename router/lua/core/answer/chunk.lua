-- What one event of an answer stream means: text for the caller, the end, an error, or nothing.
--
-- Progress is content only: comments, empty deltas and a lone role are not, reasoning and tool calls are. An event that
-- is no JSON is never passed on. An event is decoded unless it is one like those before (frame.lua).

local byte = string.byte
local find = string.find
local match = string.match
local sub = string.sub

local choice_of = require "core.answer.choice"
local cut_reason = require "core.answer.cut_reason"
local event_rewrite = require "core.answer.event_rewrite"
local frame = require "core.answer.frame"
local heartbeat = require "core.answer.heartbeat"
local lenient = require "core.json.lenient"
local listed_calls = require "core.answer.listed_calls"
local says_error = require "core.answer.says_error"
local says_failure = require "core.answer.says_failure"
local sse = require "core.answer.sse"
local transcript = require "core.answer.transcript"

local fits, learn = frame.fits, frame.learn
local is_one, has_odd_calls, lists_call, read_choice =
  choice_of.is_one, choice_of.has_odd_calls, choice_of.lists_call, choice_of.read
local PLAIN_REASONS = require("core.answer.empty").PLAIN_REASONS
local add = transcript.add

local _M = {}
local reader = {}
reader.__index = reader

local COLON, OPEN_BRACE = 58, 123

-- CONTENT: text came. FINISH: the last choice has said why it ended. USAGE: only an account of tokens. DONE: [DONE].
-- NOISE: nothing. ERROR: the provider reports an error. CUT: the provider stopped before its end. INVALID: no JSON.
_M.CONTENT, _M.FINISH, _M.USAGE, _M.DONE = "content", "finish", "usage", "done"
_M.NOISE, _M.ERROR, _M.CUT, _M.INVALID = "noise", "error", "cut", "invalid"
-- Of other protocols: the end, which also says that the answer is complete; the end of a part of the answer.
_M.COMPLETED, _M.CLOSING = "completed", "closing"

local DONE_DATA = "[DONE]"
local DONE_EVENT = "data: [DONE]\n\n"
-- The members that hold a chunk's text, most frequent first; each is learned by its own frame.
local TEXT_KEYS = { "content", "reasoning_content", "text" }


-- decode: JSON text -> value, or nil. choices: how many must finish (the request's n). is_empty: nothing was said so far,
-- and no reason to finish but a plain one (empty.lua). says_usage: did the last event carry an account? is_accounted: is
-- it the last one, said with the finish or after it? is_done: has [DONE] come, and is the account still to come? contents:
-- events that said something. model, fingerprint, provider: what the answer says it comes from. instead: what clients can
-- read in place of the event that was read last, nil: that event.
-- as_stream: a whole answer as a stream (core/forms/openai.lua); nil: one in the place of a chunk says nothing.
function _M.new(decode, choices, as_stream)
  return setmetatable({
    decode = decode, choices = choices or 1, as_stream = as_stream, finished = 0, ended = {},
    usage = nil, says_usage = false, is_counted = false, is_accounted = false,
    is_done = false,
    frame = frame.new(), transcript = nil, channel = nil, is_empty = true, final = nil,
    contents = 0, model = nil, fingerprint = nil, provider = nil,
  }, reader)
end


-- From now on, what is passed on is remembered in a transcript (core/answer/transcript.lua).
function reader:record_into(record)
  self.transcript, self.frame = record, frame.new()
end


local function is_error(value, name)
  return says_error(value.error) or value.object == "error" or name == "error"
    or type(value.choices) ~= "table" and says_failure(value)
end


local function record_all(record, value, ended)
  record.identity = record.identity or value.choices[1] and event_rewrite.identity(value) -- Azure's first event has none
  for i = 1, #value.choices do
    local delta, _, _, index = read_choice(value.choices[i])
    record:record(index, delta)
    record.finished[index] = ended[index]
    record.has_more = record.has_more or type(value.choices[i].logprobs) == "table"
  end
end


-- A choice has said why it ended. No more of it is expected, so its frame is dropped. Content that still comes is
-- decoded.
local function finish(self, index)
  if not self.ended[index] then
    self.ended[index], self.finished = true, self.finished + 1
  end
  self.frame = frame.new()
end


-- A choice that has finished says more: then it had not.
local function resume(self, index)
  if self.ended[index] then
    self.ended[index], self.finished = nil, self.finished - 1
    self.is_accounted = false
  end
end


local function read_choices(self, event, value, choices)
  local content, finished, cut, stopped = false, false, nil, true
  local was_finished = self.finished >= self.choices
  for i = 1, #choices do
    local choice = choices[i]
    if not is_one(choice) or has_odd_calls(choice.delta) then
      return _M.INVALID
    elseif choice.error and says_error(choice.error) then
      return _M.ERROR
    end
    if lists_call(choice.delta) then
      self.instead = sse.event(listed_calls.of(sse.data(event) or sse.unnamed(event), "delta"))
    end
    local delta, has_text, reason, index = read_choice(choice)
    content = content or has_text
    if reason then
      cut = cut or cut_reason(reason) and reason
        or cut_reason(choice.native_finish_reason) and choice.native_finish_reason
      finished, stopped = true, stopped and PLAIN_REASONS[reason] == true
      finish(self, index)
    elseif has_text then
      resume(self, index)
      if #choices == 1 and not self.says_usage then
        local key = learn(self.frame, event, delta, TEXT_KEYS)
        self.channel = key and self.transcript and self.transcript:channel(index, key) or self.channel
      end
    end
  end
  if cut then
    return _M.CUT, cut
  end
  if self.transcript then
    record_all(self.transcript, value, self.ended)
  end
  self.is_empty = self.is_empty and not content and stopped
  self.contents = self.contents + (content and 1 or 0)
  if finished and self.finished >= self.choices then
    self.final = value
    return _M.FINISH
  end
  if self.says_usage and was_finished and not content and not finished then
    return _M.USAGE -- with a choice that says nothing, as LiteLLM has it
  end
  return content and _M.CONTENT or _M.NOISE
end


-- The account of tokens, which may come with any event; zeros are none that could be the last.
local function read_usage(self, usage)
  self.says_usage = type(usage) == "table"
  if self.says_usage then
    self.usage = usage
    self.is_counted = (tonumber(usage.completion_tokens) or 0) > 0
  end
end


-- Is this a whole answer, where a chunk should be?
local function is_whole(choices)
  local first = choices[1]
  return type(first) == "table" and type(first.message) == "table" and type(first.delta) ~= "table"
end


-- A whole answer in one event: read, and passed on, as the chunks it would have been.
local function read_whole(self, data)
  local text = self.as_stream and self.as_stream(data, "chat", true)
  local kind, detail, pos = _M.NOISE, nil, 1
  text = text and sub(text, 1, -#DONE_EVENT - 1) or ""
  while pos <= #text do
    local stop, next_pos = sse.boundary(text, pos, true, false)
    local its_kind, its_detail = self:read(text, pos, stop)
    if its_kind == _M.INVALID then
      return its_kind, data
    end
    if its_kind ~= _M.NOISE and its_kind ~= _M.USAGE then
      kind, detail = its_kind, its_detail
    end
    if its_kind == _M.USAGE and not self.wants_usage then
      text, next_pos = sub(text, 1, pos - 1), #text + 1
    end
    pos = next_pos
  end
  self.says_usage, self.instead = false, text
  return kind, detail
end


-- What the event text[from..to] means; with ERROR also its data, with CUT the reason.
function reader:read(text, from, to)
  self.says_usage, self.instead = false, nil
  local first_char, last_char = fits(self.frame, text, from, to)
  if first_char then
    self.contents = self.contents + 1
    if self.transcript then
      add(self.channel, sub(text, first_char, last_char))
    end
    return _M.CONTENT
  end
  local event = sub(text, from, to)
  local first = byte(event, 1)
  if not first or first == COLON and not find(event, "[\r\n][^:\r\n]") then
    return _M.NOISE
  end
  local data, name = sse.data(event)
  if not data and name == "error" then
    return _M.ERROR, ""
  elseif not data then
    data, name = sse.unnamed(event)
    self.instead = data and sse.event(data)
  elseif first == OPEN_BRACE then
    local bare = match(event, "^{[^\r\n]*}")
    local value = bare and self.decode(bare)
    if type(value) == "table" and is_error(value) then
      return _M.ERROR, bare -- of a server that failed, right before the next event
    end
  end
  if not data or data == "" then
    self.instead = data -- an event without data is one that clients try to read
    return _M.NOISE
  end
  if data == DONE_DATA then
    return _M.DONE
  end
  local value, is_mended = lenient(self.decode, data)
  if type(value) ~= "table" then
    if self.instead then
      self.instead = nil
      return _M.NOISE
    elseif name ~= "error" and heartbeat(data) then
      self.instead = ""
      return _M.NOISE
    end
    return name == "error" and _M.ERROR or _M.INVALID, data
  end
  if is_mended and self.transcript then
    self.transcript.is_opaque = true
  end
  if is_error(value, name) then
    return _M.ERROR, data
  end
  if type(value.error) == "table" then
    self.instead = event_rewrite.without(self.instead or event, "error") -- an empty one, which clients take for an error
  end
  read_usage(self, value.usage)
  if not self.model then
    self.model, self.fingerprint, self.provider = value.model, value.system_fingerprint, value.provider
  end
  local kind, detail
  local choices = value.choices
  if type(choices) ~= "table" or #choices == 0 then
    kind = self.says_usage and _M.USAGE or _M.NOISE
    if kind == _M.NOISE and type(choices) ~= "table" and (choices or name or next(value) == nil) then
      self.instead = "" -- a ping with data, for one: clients look for choices in it
    end
  elseif is_whole(choices) then
    return read_whole(self, data)
  else
    kind, detail = read_choices(self, event, value, choices)
    detail = kind == _M.ERROR and data or detail
  end
  if self.instead then
    self.frame = frame.new()
  end
  self.is_accounted = self.is_accounted or self.says_usage and self.is_counted and self.finished >= self.choices
  return kind, detail
end


return _M
