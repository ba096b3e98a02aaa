-- The Responses API's protocol. What a protocol is, see core/protocol/surface.lua.
--
-- Whatever comes as a delta is content: text, reasoning and its summary, the arguments of calls. The last event carries the
-- whole answer again: completed, incomplete (an end as well, when the caller's own limits made it) or failed. What servers
-- leave out around the deltas, and of the end: core/answer/response_items.lua.

local find = string.find

local chunk = require "core.answer.chunk"
local edit = require "core.json.edit"
local empty = require "core.answer.empty"
local encode = require "core.json.encode"
local lenient = require "core.json.lenient"
local response_assembly = require "core.forms.response_assembly"
local forms = require "core.forms.responses"
local openai = require "core.protocol.openai"
local response_items = require "core.answer.response_items"
local response_record = require "core.answer.response_record"
local response_splice = require "core.recovery.response_splice"
local sse = require "core.answer.sse"
local typed = require "core.protocol.typed"

local _M = {}

-- Reasons that make an answer incomplete and still end it.
local LIMITS = { max_output_tokens = true, content_filter = true }

_M.error_body = openai.error_body
_M.new_record, _M.new_splice = response_record.new, response_splice.new
_M.as_stream, _M.new_assembly = forms.as_stream, response_assembly.new


-- In both of the shapes that the API's own error events have been seen in: client libraries look for either.
function _M.error_event(message, code)
  local detail = { type = "server_error", message = message, param = encode.NULL, code = code }
  return "event: error\ndata: " .. encode.encode({
    type = "error", message = message, param = encode.NULL, code = code, error = detail,
  }) .. "\n\n"
end


-- The account of tokens in OpenAI's older names.
local function account(usage)
  if type(usage) == "table" then
    local details, thought = usage.input_tokens_details, usage.output_tokens_details
    return { prompt_tokens = tonumber(usage.input_tokens), completion_tokens = tonumber(usage.output_tokens),
             cached_tokens = type(details) == "table" and tonumber(details.cached_tokens) or nil,
             reasoning_tokens = type(thought) == "table" and tonumber(thought.reasoning_tokens) or nil }
  end
end


-- A response's own error and nothing else of it, because it repeats what the caller wrote (instructions, metadata).
local function error_of(response)
  local given = type(response.error) == "table" and response.error or {}
  return encode.encode({ error = { message = tostring(given.message or ""), code = tostring(given.code or "") } })
end


-- Why an incomplete response is no end; nil when it is one.
local function cut_reason(response)
  local details = type(response.incomplete_details) == "table" and response.incomplete_details or {}
  if LIMITS[details.reason] then
    return nil
  end
  return type(details.reason) == "string" and details.reason or "incomplete"
end


local ENDS = {}

-- Some servers call any end so, and say in the response what it was.
ENDS["response.completed"] = function(response)
  local finish = response.status ~= "completed" and ENDS["response." .. tostring(response.status)]
  if finish then
    return finish(response)
  end
  return chunk.COMPLETED
end

ENDS["response.incomplete"] = function(response)
  local reason = cut_reason(response)
  if reason then
    return chunk.CUT, reason
  end
  return chunk.COMPLETED
end

ENDS["response.failed"] = function(response)
  return chunk.ERROR, error_of(response)
end

ENDS["response.cancelled"] = function()
  return chunk.CUT, "cancelled"
end


-- Some servers end whatever it was with "response.done". Clients wait for an end that says which it was.
local function with_end(reader, value, event)
  local status = type(value.response) == "table" and value.response.status
  value.type = ENDS["response." .. tostring(status)] and "response." .. status or "response.completed"
  reader.instead = sse.event(edit.set(sse.data(event), { type = '"' .. value.type .. '"' }), value.type)
end


-- An event about items: what clients need around it.
local function note_item(reader, value, data)
  local items, name = reader.items, value.type
  if name == "response.output_item.added" then
    items:begin(tonumber(value.output_index) or 0, value.item)
  elseif name == "response.output_item.done" then
    items:finish(tonumber(value.output_index) or 0, value.item, data)
  elseif name == "response.created" then
    items.response = edit.get(data, "response")
  end
end


-- A piece of text, which may be one that no item was announced for.
local function note_text(reader, value, event)
  local before = reader.items:add(value)
  if before then
    reader.instead = before .. event .. "\n"
  end
end


local function understand(reader, value, event, data)
  if value.type == "response.done" then
    with_end(reader, value, event)
  end
  local name, delta = value.type, value.delta
  if type(name) ~= "string" then
    return chunk.NOISE
  end
  if delta ~= nil and find(name, ".delta", -6, true) then
    local kind = type(delta)
    note_text(reader, value, event)
    return (kind == "string" and delta ~= "" or kind == "table" and next(delta) ~= nil) and chunk.CONTENT or chunk.NOISE
  end
  note_item(reader, value, data)
  if not reader.model and type(value.response) == "table" then
    reader.model = value.response.model
  end
  local finish = ENDS[name]
  if name == "response.output_item.done" then -- some servers say the item here and nowhere else
    reader.is_empty = reader.is_empty and empty.is_part_empty(value.item)
  end
  if not finish then
    return find(name, ".done", -5, true) and chunk.CLOSING or chunk.NOISE
  end
  local response = type(value.response) == "table" and value.response or {}
  reader.usage = account(response.usage)
  reader.is_empty = reader.is_empty and empty.is_made_of_nothing(response)
  local kind, detail = finish(response)
  if kind == chunk.COMPLETED then
    local last = reader.instead and sse.data(reader.instead) or data
    reader.instead = reader.items:complete(last, name) or reader.instead
  end
  return kind, detail
end


local function last_event(reader, is_said)
  return reader.items:last_event(is_said)
end


function _M.new_reader(decode)
  local reader = typed.new(decode, understand, false, last_event)
  reader.items = response_items.new()
  return reader
end


-- Of a refusal that is a response, also its error.
function _M.read_whole(body, decode)
  local value = lenient(decode, body)
  if type(value) ~= "table" or value.object ~= "response" or type(value.output) ~= "table" then
    return false
  end
  if typed.is_given(value.error) or value.status == "failed" then
    return false, error_of(value)
  end
  return true, value.status == "incomplete" and cut_reason(value) or nil, account(value.usage),
    value.model and { model = value.model } or nil
end


return _M
