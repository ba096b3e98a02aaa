-- What is new in an answer that is generated again, for a caller that has a part of it (core/answer/transcript.lua). Each
-- choice is followed separately, channel by channel: text that agrees with what was sent is not new, text beyond it is.
-- An answer that contradicts it cannot continue the first one. Nothing more comes of a choice that had finished.
--
-- Reasoning is not the answer: where a second run reasons otherwise, no more of its reasoning is passed on, its answer is.

local sub = string.sub

local tool_calls = require "core.answer.tool_calls"
local transcripts = require "core.answer.transcript"

local _M = {}
local again = {}
again.__index = again


-- sent: channel -> text; sent_calls: the tool calls of the first answer (nil: none), calls: of the second; at: how much of
-- the text the second answer has said; behind: channels of the answer where that is less than all; answered: has the answer
-- itself begun, or ended without? is_beyond: has it said more than was sent? muted: reasoning that has gone another way
local function fresh_choice(sent, calls)
  return { sent = sent, calls = tool_calls.new(), sent_calls = calls, at = {}, behind = 0, answered = false,
           is_beyond = false, muted = {} }
end


local function choices_of(record)
  local choices = {}
  for index, channels in pairs(record:texts()) do
    local choice = fresh_choice(channels, record.calls[index])
    choice.has_finished = record.finished[index]
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


-- record: the transcript of what was sent; tools: the names of those that the caller has (name -> true).
function _M.new(record, tools)
  return setmetatable({ choices = choices_of(record), tools = tools or {}, pieces = 0 }, again)
end


-- What is new of a channel's text, as far as the choice may say new things; nil when it contradicts what was sent.
local function new_text(choice, name, text)
  local before = choice.sent[name]
  if transcripts.REASONING[name] then
    if choice.answered and not choice.is_beyond or choice.muted[name] then
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


-- May a name that was sent in part become longer? Not one that is whole: it names a tool, or its arguments have begun.
local function may_go_on(self, choice, prefix)
  return not self.tools[choice.sent[prefix .. "name"]] and (choice.sent[prefix .. "arguments"] or "") == ""
end


-- Some say a name again with every piece.
local function said_before(choice, channel, name)
  local sent = choice.sent[channel]
  return name ~= "" and name == sent and choice.at[channel] == #sent
end


-- What is new of the tool calls of a delta: {call, index} whole ones, {index, name, arguments} the rest of one that was
-- begun; nil: it contradicts.
local function of_tools(self, choice, calls)
  local kept = {}
  for position = 1, #calls do
    local call = calls[position]
    local place = choice.calls:place_of(call, position)
    local prefix = transcripts.prefix(place)
    if not choice.sent[prefix .. "name"] then
      kept[#kept + 1] = { position = position, call = call, index = place }
    else
      local name, arguments = tool_calls.parts(call)
      if said_before(choice, prefix .. "name", name) then
        name = ""
      end
      name, arguments = new_text(choice, prefix .. "name", name), new_text(choice, prefix .. "arguments", arguments)
      if not name or not arguments or name ~= "" and not may_go_on(self, choice, prefix) then
        return nil
      end
      if name .. arguments ~= "" then
        local sent = choice.sent_calls
        kept[#kept + 1] = { place = place, index = not sent.unnumbered[place] and sent.index_of[place] or nil, name = name,
                            arguments = arguments }
      end
    end
  end
  return kept
end


-- The texts and tool calls of a delta that are new; nil: it contradicts.
local function differences(self, choice, delta)
  local texts, tools = {}, {}
  for name, value in pairs(delta) do
    if name == "tool_calls" and type(value) == "table" then
      tools = of_tools(self, choice, value)
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


-- What is new of a choice's delta: {channel -> text}, and the tool calls. nil: it contradicts, or ends before it has said
-- what was sent. Also: had the choice finished, so that this is no end of it?
function again:news(index, delta, is_end)
  local choice = self.choices[index] or fresh_choice({})
  self.choices[index] = choice
  if choice.has_finished then
    return {}, {}, true
  end
  local texts, tools = differences(self, choice, delta)
  local speaks = texts and says_something(texts, tools)
  if choice.behind > 0 and (is_end or speaks) then
    return nil
  end
  choice.answered = choice.answered or speaks or is_end
  choice.is_beyond = choice.is_beyond or speaks
  return texts, tools
end


-- Has it said all that was sent?
function again:is_joined()
  for _, choice in pairs(self.choices) do
    if not choice.has_finished and (choice.behind > 0 or not choice.answered) then
      return false
    end
  end
  return true
end


return _M
