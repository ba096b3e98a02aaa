-- A whole answer of OpenAI's chat or text completions as a stream. Everything is passed on as it was written, so nothing is
-- lost: probabilities, refusals, reasoning, fingerprints, members that nobody here knows.

local edit = require "core.json.edit"
local sse = require "core.answer.sse"

local concat = table.concat
local find = string.find

local _M = {}

local NULL = "null"


-- A message's calls as a delta has them: each with its index.
local function numbered(calls)
  local items = calls and edit.items(calls)
  for i = 1, items and #items or 0 do
    items[i] = edit.set(items[i], { index = ("%d"):format(i - 1) }) or items[i]
  end
  return items and items[1] and edit.list(items) or false
end


local function events_of_choice(base, choice, position)
  local index = edit.get(choice, "index") or ("%d"):format(position - 1)
  local message = edit.get(choice, "message")
  local function event(changes)
    return sse.event(edit.set(base, { choices = edit.list({ edit.set(choice, changes) }) }))
  end
  if not message or message == NULL then
    return event({ index = index })
  end
  local delta = edit.set(message, { tool_calls = numbered(edit.get(message, "tool_calls")) })
  return delta and event({ index = index, message = false, delta = delta, finish_reason = NULL })
    .. event({ index = index, message = false, delta = "{}", logprobs = false })
end


-- body: a whole answer as JSON text. nil when it is none. wants_usage: with its account of tokens?
function _M.as_stream(body, surface_name, wants_usage)
  local object = surface_name == "chat" and '"chat.completion.chunk"' or nil
  local base = edit.set(body, { choices = false, usage = false, object = object })
  local list = base and edit.get(body, "choices")
  local choices, events = list and edit.items(list), {}
  for i = 1, choices and #choices or 0 do
    events[i] = find(choices[i], "^{") and events_of_choice(base, choices[i], i)
    if not events[i] then
      return nil
    end
  end
  if not events[1] then
    return nil
  end
  local usage = wants_usage and edit.get(body, "usage")
  if usage and usage ~= NULL then
    events[#events + 1] = sse.event(edit.set(base, { choices = "[]", usage = usage }))
  end
  return concat(events) .. sse.event("[DONE]")
end


return _M
