-- A text of our own, as if a model had said it: a whole answer or a stream, in the shape of the surface that was asked at.
-- For callers that cannot show errors, so it must read like any other answer to a client library.

local completion = require "core.answer.completion"
local encode = require "core.json.encode"
local openai_forms = require "core.forms.openai"

local NULL = encode.NULL

local _M = {}


local function event(name, members)
  members.type = name
  return "event: " .. name .. "\ndata: " .. encode.encode(members) .. "\n\n"
end


-- OpenAI's chat and text completions

local function of_completions(text, given)
  local answer = encode.encode(completion.of_text(given.surface, text, given.id, given.model, given.created_s))
  return given.is_stream and openai_forms.as_stream(answer, given.surface, given.wants_usage) or answer
end


-- Anthropic's Messages API

local function message(given, content, stop_reason)
  return { id = "msg_" .. given.id, type = "message", role = "assistant", model = given.model,
           content = encode.list(content), stop_reason = stop_reason, stop_sequence = NULL,
           usage = { input_tokens = 0, output_tokens = 0 } }
end


local function of_messages(text, given)
  if not given.is_stream then
    return encode.encode(message(given, { { type = "text", text = text } }, "end_turn"))
  end
  return event("message_start", { message = message(given, {}, NULL) })
    .. event("content_block_start", { index = 0, content_block = { type = "text", text = "" } })
    .. event("content_block_delta", { index = 0, delta = { type = "text_delta", text = text } })
    .. event("content_block_stop", { index = 0 })
    .. event("message_delta", { delta = { stop_reason = "end_turn", stop_sequence = NULL }, usage = { output_tokens = 0 } })
    .. event("message_stop", {})
end


-- The Responses API: every event has a number, and the last one says all again

local USAGE = { input_tokens = 0, input_tokens_details = { cached_tokens = 0 }, output_tokens = 0,
                output_tokens_details = { reasoning_tokens = 0 }, total_tokens = 0 }


local function part_of(text)
  return { type = "output_text", text = text, annotations = encode.list({}), logprobs = encode.list({}) }
end


local function item_of(given, status, content)
  return { id = "msg_" .. given.id, type = "message", role = "assistant", status = status, content = encode.list(content) }
end


local function response(given, status, output, usage)
  return { id = "resp_" .. given.id, object = "response", created_at = given.created_s, model = given.model, status = status,
           error = NULL, incomplete_details = NULL, instructions = NULL, output = encode.list(output), usage = usage,
           parallel_tool_calls = true, tool_choice = "auto", tools = encode.list({}), metadata = {} }
end


local function of_responses(text, given)
  local item = item_of(given, "completed", { part_of(text) })
  local whole = response(given, "completed", { item }, USAGE)
  if not given.is_stream then
    return encode.encode(whole)
  end
  local begun = response(given, "in_progress", {}, NULL)
  local events = {
    { "response.created", { response = begun } },
    { "response.in_progress", { response = begun } },
    { "response.output_item.added", { output_index = 0, item = item_of(given, "in_progress", {}) } },
    { "response.content_part.added", { output_index = 0, content_index = 0, item_id = item.id, part = part_of("") } },
    { "response.output_text.delta", { output_index = 0, content_index = 0, item_id = item.id, delta = text,
                                      logprobs = encode.list({}) } },
    { "response.output_text.done", { output_index = 0, content_index = 0, item_id = item.id, text = text,
                                     logprobs = encode.list({}) } },
    { "response.content_part.done", { output_index = 0, content_index = 0, item_id = item.id, part = part_of(text) } },
    { "response.output_item.done", { output_index = 0, item = item } },
    { "response.completed", { response = whole } },
  }
  for i, one in ipairs(events) do
    one[2].sequence_number = i - 1
    events[i] = event(one[1], one[2])
  end
  return table.concat(events)
end


local SAYS = { chat = of_completions, completions = of_completions, beta = of_completions, messages = of_messages,
               responses = of_responses }


-- The body; nil where nothing can be said (embeddings). given: surface (its name), id, model, created_s, is_stream,
-- wants_usage (of a stream: did the caller ask for its account?).
function _M.body(text, given)
  local says = SAYS[given.surface]
  if not says then
    return nil
  end
  return (says(text, given))
end


return _M
