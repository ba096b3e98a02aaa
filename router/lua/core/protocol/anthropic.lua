-- Anthropic's protocol: the Messages API. What a protocol is, see core/protocol/surface.lua.
--
-- Text, thinking and the pieces of a tool's input are content; message_start, content_block_start and ping are not. A
-- message_delta with a stop_reason says that the message is complete, message_stop ends the stream.

local chunk = require "core.answer.chunk"
local finish_reason = require "core.answer.finish_reason"
local message_assembly = require "core.forms.message_assembly"
local forms = require "core.forms.anthropic"
local frame = require "core.answer.frame"
local encode = require "core.json.encode"
local lenient = require "core.json.lenient"
local has_content = require "core.answer.has_content"
local message_record = require "core.answer.message_record"
local message_splice = require "core.recovery.message_splice"
local sse = require "core.answer.sse"
local typed = require "core.protocol.typed"

local learn = frame.learn

local _M = {}

_M.new_record, _M.new_splice = message_record.new, message_splice.new
_M.ID_HEADER = "request-id" -- where its SDKs look for it
_M.as_stream, _M.new_assembly = forms.as_stream, message_assembly.new
_M.DONE_EVENT = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'

-- Reasons to stop that are no end: as in OpenAI's protocol, whose servers translate.
local CUT_REASONS = { insufficient_system_resource = true, error = true }
-- The members of a delta that hold text, most frequent first; each is learned by its own frame.
local TEXT_KEYS = { "text", "thinking", "partial_json" }

-- Anthropic's types of errors, by the status they come with.
local ERROR_TYPES = {
  [400] = "invalid_request_error", [401] = "authentication_error", [403] = "permission_error", [404] = "not_found_error",
  [405] = "invalid_request_error", [413] = "request_too_large", [429] = "rate_limit_error", [503] = "overloaded_error",
  [504] = "timeout_error",
}
local NO_CONTENT = { type = true }
-- Blocks that are nothing without a delta.
local SAYS_LATER = { text = true, thinking = true }
local CALLS = { tool_use = true }


-- The account of tokens in OpenAI's names, added to what was known. Tokens of the cache are tokens of the prompt there.
local function account(usage, known)
  if type(usage) ~= "table" then
    return known
  end
  known = known or {}
  local input = tonumber(usage.input_tokens)
  if input then
    known.prompt_tokens = input + (tonumber(usage.cache_creation_input_tokens) or 0)
      + (tonumber(usage.cache_read_input_tokens) or 0)
  end
  known.cached_tokens = tonumber(usage.cache_read_input_tokens) or known.cached_tokens
  known.completion_tokens = tonumber(usage.output_tokens) or known.completion_tokens
  return known
end


local function completion_tokens(reader)
  return reader.usage and reader.usage.completion_tokens or 0
end


local MEANINGS = {}

function MEANINGS.message_start(reader, value)
  local message = type(value.message) == "table" and value.message or {}
  reader.usage, reader.model = account(message.usage, reader.usage), message.model
  return chunk.NOISE
end

function MEANINGS.content_block_start(reader, value)
  local block = type(value.content_block) == "table" and value.content_block or {}
  reader.blocks, reader.calls = (reader.blocks or 0) + 1, reader.calls or CALLS[block.type]
  reader.is_empty = reader.is_empty and SAYS_LATER[block.type] == true -- a call may have no input
  return chunk.NOISE
end

function MEANINGS.content_block_delta(reader, value, event)
  local delta = value.delta
  if type(delta) ~= "table" or not has_content(delta, NO_CONTENT) then
    return chunk.NOISE
  end
  if not reader.instead then
    learn(reader.frame, event, delta, TEXT_KEYS)
  end
  return chunk.CONTENT
end

function MEANINGS.content_block_stop(reader)
  reader.blocks = (reader.blocks or 0) - 1
  return chunk.CLOSING
end

function MEANINGS.message_delta(reader, value)
  reader.usage = account(value.usage, reader.usage)
  local reason = finish_reason(type(value.delta) == "table" and value.delta.stop_reason)
  if not reason then
    return chunk.NOISE
  end
  if CUT_REASONS[reason] then
    return chunk.CUT, reason
  end
  reader.is_empty, reader.reason = reader.is_empty and reason == "end_turn", reason
  return chunk.FINISH
end

-- Some servers never say why a message stopped. What it is made of shows that; one that stops inside a block is cut.
function MEANINGS.message_stop(reader)
  if reader.reason or reader.is_empty then
    return chunk.DONE
  elseif reader.blocks and reader.blocks > 0 then
    return chunk.CUT, "message_stop inside a block"
  end
  local delta = { stop_reason = reader.calls and "tool_use" or "end_turn", stop_sequence = encode.NULL }
  local event = { type = "message_delta", delta = delta, usage = { output_tokens = completion_tokens(reader) } }
  reader.instead = sse.event(encode.encode(event), "message_delta") .. _M.DONE_EVENT
  return chunk.DONE
end


local function understand(reader, value, event)
  local meaning = MEANINGS[value.type]
  if meaning then
    return meaning(reader, value, event)
  end
  return chunk.NOISE
end


function _M.new_reader(decode)
  return typed.new(decode, understand, true)
end


function _M.error_body(message, code, status)
  local detail = { type = ERROR_TYPES[status] or "api_error", message = message, code = code }
  return encode.encode({ type = "error", error = detail })
end


-- An answer that breaks is one to ask for again: clients know that by overloaded_error.
function _M.error_event(message, code)
  return "event: error\ndata: " .. _M.error_body(message, code, code == "deadline_exceeded" and 504 or 503) .. "\n\n"
end


function _M.read_whole(body, decode)
  local value = lenient(decode, body)
  if type(value) ~= "table" or value.type ~= "message" or type(value.content) ~= "table" then
    return false
  end
  return true, CUT_REASONS[value.stop_reason] and value.stop_reason or nil, account(value.usage),
    value.model and { model = value.model } or nil
end


return _M
