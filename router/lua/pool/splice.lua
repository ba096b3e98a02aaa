-- The answer of a second endpoint, joined to what a caller has already been sent of the first one's (pool/transcript.lua).
--
-- Restart: the second answer starts from the beginning. What agrees with what was sent is left out, the rest is passed
-- on; an answer that says something else is none to go on with: DIFFERS.
-- Continue: the second endpoint was given what was sent and goes on from there. Some ignore that and start again, or say
-- it once more: as long as the answer could be that, it is held; once it has said all that was sent, that is left out.
--
-- Reasoning is not the answer: where a second run reasons otherwise, no more of its reasoning is passed on, its answer is.
-- Same interface as pool/stream.lua, and after the join the same bytes.

local find = string.find
local gsub = string.gsub
local sub = string.sub

local chunk = require "pool.chunk"
local jsonscan = require "pool.jsonscan"
local sse = require "pool.sse"
local transcripts = require "pool.transcript"

local _M = {}
local splice = {}
splice.__index = splice

_M.DIFFERS = "differs"

local ECHO_MIN_BYTES = 16 -- fewer could be how a continuation just happens to begin ("ha", "haha")
local quote = jsonscan.quote


-- sent: channel -> text; at: how much of it the second answer has said; behind: channels of the answer where that is less
-- than all; answered: has the answer itself begun? muted: reasoning that has gone another way
local function fresh_choice(sent)
  return { sent = sent, at = {}, behind = 0, answered = false, muted = {} }
end


local function choices_of(texts)
  local choices = {}
  for index, channels in pairs(texts) do
    local choice = fresh_choice(channels)
    for name, text in pairs(channels) do
      choice.at[name] = 0
      if not transcripts.REASONING[name] then
        choice.answered = true
        choice.behind = choice.behind + (text ~= "" and 1 or 0)
      end
    end
    choices[index] = choice
  end
  return choices
end


-- events: the second answer's stream. sent: the transcript, which is kept up to date. continues: the channel that the second
-- endpoint was asked to go on with (nil: it starts again). note: a comment for the caller, sent where they join.
-- decode, encode: of JSON.
function _M.new(events, sent, continues, note, decode, encode)
  local texts = sent:texts()
  return setmetatable({
    events = events, reader = events.reader, finished = false, joined = false,
    transcript = sent, choices = choices_of(texts), decode = decode, encode = encode, note = ": " .. note .. "\n\n",
    continues = continues, before = continues and texts[0][continues], heard = continues and "" or nil,
    pieces = continues and sent:pieces(0, continues) or 0, differs = nil,
  }, splice)
end


-- What is new of a channel's text, as far as the choice may say new things; nil when it contradicts what was sent.
local function new_text(choice, name, text)
  local before = choice.sent[name]
  if transcripts.REASONING[name] then
    if choice.answered or choice.muted[name] then
      return ""
    end
  elseif not before then
    return text
  end
  before = before or ""
  local at = choice.at[name] or 0
  local overlap = math.min(#text, #before - at)
  if sub(text, 1, overlap) ~= sub(before, at + 1, at + overlap) then
    if transcripts.REASONING[name] then
      choice.muted[name] = true
      return ""
    end
    return nil
  end
  choice.at[name] = at + overlap
  if overlap > 0 and at + overlap == #before and not transcripts.REASONING[name] then
    choice.behind = choice.behind - 1
  end
  return sub(text, overlap + 1)
end


-- What is new of the tool calls of a delta: {raw} whole ones, {index, arguments} the rest of one that was begun; nil: it
-- contradicts.
local function of_tools(choice, calls)
  local kept = {}
  for place = 1, #calls do
    local call = calls[place]
    local prefix, name, arguments = transcripts.tool_parts(call, place)
    if not choice.sent[prefix .. "name"] then
      kept[#kept + 1] = { raw = call }
    else
      name, arguments = new_text(choice, prefix .. "name", name), new_text(choice, prefix .. "arguments", arguments)
      if not name or not arguments then
        return nil
      end
      if name .. arguments ~= "" then
        kept[#kept + 1] = { index = tonumber(prefix:match("%d+")), arguments = arguments }
      end
    end
  end
  return kept
end


-- Restart: the texts and tool calls of a delta that are new; nil: it contradicts.
local function restart(choice, delta)
  local texts, tools = {}, {}
  for name, value in pairs(delta) do
    if name == "tool_calls" and type(value) == "table" then
      tools = of_tools(choice, value)
      if not tools then
        return nil
      end
    elseif type(value) == "string" and name ~= "role" then
      local text = new_text(choice, name, value)
      if not text then
        return nil
      end
      texts[name] = text ~= "" and text or nil
    end
  end
  return texts, tools
end


local function says_something(texts, tools)
  for name in pairs(texts) do
    if not transcripts.REASONING[name] then
      return true
    end
  end
  return #tools > 0
end


-- Continue: what is new of the continued channel's text; "" while that is not certain, nil when it cannot be told.
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


local function continue(self, delta, is_end)
  local name = self.continues
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


local function sorted(names)
  table.sort(names)
  return names
end


local function scalars(value, left_out)
  local names, parts = {}, {}
  for name, member in pairs(value) do
    local kind = type(member)
    if not left_out[name] and (kind == "string" or kind == "number" or kind == "boolean") then
      names[#names + 1] = name
    end
  end
  for i, name in ipairs(sorted(names)) do
    local member = value[name]
    if type(member) == "number" then
      member = ("%.14g"):format(member)
    end
    parts[i] = quote(name) .. ":" .. (type(value[name]) == "string" and quote(member) or tostring(member))
  end
  return parts
end


local function delta_of(self, texts, tools)
  local names, parts = {}, {}
  for name in pairs(texts) do
    names[#names + 1] = name
  end
  for i, name in ipairs(sorted(names)) do
    parts[i] = quote(name) .. ":" .. quote(texts[name])
  end
  local calls = {}
  for i, tool in ipairs(tools) do
    calls[i] = tool.raw and self.encode(tool.raw)
      or ('{"index":%d,"function":{"arguments":%s}}'):format(tool.index, quote(tool.arguments))
  end
  if calls[1] then
    parts[#parts + 1] = '"tool_calls":[' .. table.concat(calls, ",") .. "]"
  end
  return table.concat(parts, ",")
end


local TOP_LEFT_OUT = { choices = true, usage = true }
local CHOICE_LEFT_OUT = { delta = true, text = true, finish_reason = true }


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


-- What is new of a choice's delta; nil: it contradicts, or ends before it has said what was sent.
local function news_of(self, index, delta, is_end)
  if self.continues then
    return continue(self, delta, is_end)
  end
  local choice = self.choices[index] or fresh_choice({})
  self.choices[index] = choice
  local texts, tools = restart(choice, delta)
  local speaks = texts and says_something(texts, tools)
  if choice.behind > 0 and (is_end or speaks) then
    return nil
  end
  choice.answered = choice.answered or speaks
  return texts, tools
end


-- One choice of an event, said anew; "" when nothing of it is new.
local function choice_of(self, choice)
  local index = tonumber(choice.index) or 0
  local is_text = type(choice.delta) ~= "table"
  local delta = is_text and { text = choice.text } or choice.delta
  local reason = type(choice.finish_reason) == "string" and choice.finish_reason
  local texts, tools = news_of(self, index, delta, reason ~= false)
  if not texts then
    self.differs = "the answer differs from what was sent"
    return ""
  end
  if next(texts) == nil and not tools[1] and not reason then
    return ""
  end
  record(self, index, texts, tools)
  local parts = scalars(choice, CHOICE_LEFT_OUT)
  parts[#parts + 1] = is_text and '"text":' .. quote(texts.text or "")
    or '"delta":{' .. delta_of(self, texts, tools) .. "}"
  parts[#parts + 1] = '"finish_reason":' .. (reason and quote(reason) or "null")
  return "{" .. table.concat(parts, ",") .. "}"
end


-- One event, said anew.
local function event_of(self, event)
  local data = sse.data(event)
  if data == "[DONE]" then
    return "data: [DONE]\n\n"
  end
  local value = data and data ~= "" and self.decode(data)
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
  local usage = type(value.usage) == "table" and (choices[1] or #value.choices == 0) and self.encode(value.usage)
  if self.differs or not choices[1] and not usage then
    return ""
  end
  local parts = scalars(value, TOP_LEFT_OUT)
  parts[#parts + 1] = '"choices":[' .. table.concat(choices, ",") .. "]"
  if usage then
    parts[#parts + 1] = '"usage":' .. usage
  end
  return "data: {" .. table.concat(parts, ",") .. "}\n\n"
end


local function is_joined(self)
  if self.continues then
    return self.heard == nil
  end
  for _, choice in pairs(self.choices) do
    if choice.behind > 0 or not choice.answered then
      return false
    end
  end
  return true
end


-- Whole events in, what is new of them out. Nothing new yet: a comment, so that a caller who counts silence stays.
local function rewrite(self, text)
  local out, pos = {}, 1
  while pos <= #text and not self.differs do
    local stop, next_pos = sse.boundary(text, pos, true)
    local said = event_of(self, sub(text, pos, stop or #text))
    if said ~= "" then
      out[#out + 1] = said
    end
    pos = next_pos or #text + 1
  end
  if is_joined(self) then
    self.joined = true
    self.reader:record_into(self.transcript)
    table.insert(out, 1, self.note)
  end
  return out[1] and table.concat(out) or text ~= "" and ":\n\n" or ""
end


-- The provider counts what it was given to go on from as prompt; for the caller it is completion.
local function as_completion(self, text)
  if self.pieces == 0 or not find(text, '"usage":', 1, true) then
    return text
  end
  local function shifted(by)
    return function(name, digits)
      return name .. ("%.0f"):format(math.max(0, tonumber(digits) + by))
    end
  end
  text = gsub(text, '("prompt_tokens": *)(%d+)', shifted(-self.pieces))
  text = gsub(text, '("completion_tokens": *)(%d+)', shifted(self.pieces))
  return text
end


-- As pool/stream.lua's, and one more kind of end: DIFFERS.
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
