-- An event of a stream, rewritten: without a member, as one of another answer, or with only what is new in its choices.
-- What is not changed stays as it was written (core/json/edit.lua).

local edit = require "core.json.edit"
local scan = require "core.json.scan"
local sse = require "core.answer.sse"

local _M = {}

-- What the chunks of one answer have in common: accumulators drop a chunk with another id.
local IDENTITY = { "id", "created", "model", "system_fingerprint" }


-- The identity that a first event (decoded) gives its answer: name -> JSON text, false where it has none. Its object, too.
function _M.identity(value)
  local identity = { object = type(value.object) == "string" and value.object or nil }
  for _, name in ipairs(IDENTITY) do
    local member = value[name]
    local kind = type(member)
    identity[name] = kind == "string" and scan.quote(member) or kind == "number" and ("%.14g"):format(member)
      or kind == "userdata" and "null" or false
  end
  return identity
end


-- The lines of an event that are not its data, and its data, rewritten.
local function with_data(event, data)
  local lines = {}
  for line in event:gmatch("[^\r\n]+") do
    if not line:find("^data:?") then
      lines[#lines + 1] = line
    end
  end
  lines[#lines + 1] = "data: " .. data:gsub("\n", "\ndata: ")
  return table.concat(lines, "\n") .. "\n\n"
end


-- The event without a member of its object; as it is, where it is none.
function _M.without(event, name)
  local data = sse.data(event)
  local rest = data and edit.set(data, { [name] = false })
  return rest and with_data(event, rest) or event
end


local function calls_of(tools)
  local calls = {}
  for i, tool in ipairs(tools) do
    local index = tool.index and ('"index":%d,'):format(tool.index) or ""
    local name = tool.raw or tool.name == "" and "" or '"name":' .. scan.quote(tool.name) .. ","
    calls[i] = tool.raw or ('{%s"function":{%s"arguments":%s}}'):format(index, name, scan.quote(tool.arguments))
  end
  return calls[1] and edit.list(calls) or false
end


-- The probabilities of a choice's text without those of its first bytes, which were sent before.
local function later_logprobs(raw, sent_bytes, decode)
  local tokens = edit.items(edit.get(raw, "content") or "")
  local kept = {}
  for _, token in ipairs(tokens or {}) do
    local value = decode(token)
    if sent_bytes <= 0 then
      kept[#kept + 1] = token
    end
    sent_bytes = sent_bytes - (type(value) == "table" and type(value.token) == "string" and #value.token or 0)
  end
  return tokens and edit.set(raw, { content = edit.list(kept) }) or "null"
end


-- One choice: raw, as JSON text, and decoded; texts: what is new of it by channel; tools: its new tool calls ({raw} or
-- {index, name, arguments}).
function _M.choice(raw, choice, texts, tools, decode)
  if type(choice.delta) ~= "table" then
    local is_trimmed = texts.text ~= choice.text
    return edit.set(raw, { text = is_trimmed and scan.quote(texts.text or "") or nil,
                           logprobs = is_trimmed and type(choice.logprobs) == "table" and "null" or nil })
  end
  local changes = { role = false, tool_calls = calls_of(tools) }
  for name, value in pairs(choice.delta) do
    if type(value) == "string" and texts[name] ~= value then
      changes[name] = texts[name] and scan.quote(texts[name]) or false
    end
  end
  local more = { delta = edit.set(edit.get(raw, "delta"), changes) }
  local content = choice.delta.content
  if type(content) == "string" and type(choice.logprobs) == "table" and #(texts.content or "") < #content then
    more.logprobs = later_logprobs(edit.get(raw, "logprobs"), #content - #(texts.content or ""), decode)
  end
  return edit.set(raw, more)
end


-- The event: its data, its choices as above (nil: as they are), whether its usage stays, and whose answer it belongs to.
function _M.event(data, choices, has_usage, identity)
  local changes = { choices = choices and edit.list(choices) }
  for _, name in ipairs(identity and IDENTITY or {}) do
    changes[name] = identity[name]
  end
  if not has_usage then
    changes.usage = false
  end
  return sse.event(edit.set(data, changes))
end


-- An event that says nothing, as a sign of life. (A comment would be none for every client: some take it for an event
-- without data, some count it as one, some give up, and go-openai cannot read an error that comes after one.) note: what
-- the router has to say, as a member of its own; nil: nothing.
function _M.nothing(identity, note)
  local is_chat = identity.object ~= "text_completion"
  local parts = { ('"object":%s'):format(scan.quote(identity.object or "chat.completion.chunk")) }
  for _, name in ipairs(IDENTITY) do
    parts[#parts + 1] = identity[name] and ('"%s":%s'):format(name, identity[name]) or nil
  end
  parts[#parts + 1] = ('"choices":[{"index":0,%s,"finish_reason":null}]'):format(is_chat and '"delta":{}' or '"text":""')
  parts[#parts + 1] = note and '"poolkeeper":' .. scan.quote(note) or nil
  return "data: {" .. table.concat(parts, ",") .. "}\n\n"
end


return _M
