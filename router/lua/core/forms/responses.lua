-- A whole response as a stream: item by item, with one delta for each text and for the arguments of each call. The last
-- event carries the whole response.

local edit = require "core.json.edit"
local sse = require "core.answer.sse"

local concat = table.concat

local _M = {}

local EMPTY, IN_PROGRESS = '""', '"in_progress"'
-- The text of a part, by its type: the member that holds it, and what its events are called.
local PARTS = {
  ['"output_text"'] = { "text", "response.output_text" }, ['"refusal"'] = { "refusal", "response.refusal" },
  ['"reasoning_text"'] = { "text", "response.reasoning_text" },
  ['"summary_text"'] = { "text", "response.reasoning_summary_text" },
}
-- The text of an item that has no parts.
local ITEMS = {
  ['"function_call"'] = { "arguments", "response.function_call_arguments" },
  ['"custom_tool_call"'] = { "input", "response.custom_tool_call_input" },
}


local function say(out, name, members)
  members.type = '"' .. name .. '"'
  members.sequence_number = ("%d"):format(#out)
  out[#out + 1] = sse.event(edit.set("{}", members), name)
end


local function say_text(out, place, kind, text)
  say(out, kind .. ".delta", edit.copy(place, { delta = text }))
  local member = kind == "response.refusal" and "refusal" or kind:match("_arguments$") and "arguments"
    or kind:match("_input$") and "input" or "text"
  say(out, kind .. ".done", edit.copy(place, { [member] = text }))
end


-- The parts of an item: its content, or a reasoning's summary.
local function say_parts(out, place, list, index_name, kind)
  local parts = edit.items(list or "") or {}
  for i = 1, #parts do
    local at = edit.copy(place, { [index_name] = ("%d"):format(i - 1) })
    local known = PARTS[edit.get(parts[i], "type") or ""]
    say(out, kind .. ".added", edit.copy(at, { part = known and edit.set(parts[i], { [known[1]] = EMPTY }) or parts[i] }))
    if known then
      say_text(out, at, known[2], edit.get(parts[i], known[1]) or EMPTY)
    end
    say(out, kind .. ".done", edit.copy(at, { part = parts[i] }))
  end
end


local function say_item(out, item, position)
  local index, known = ("%d"):format(position - 1), ITEMS[edit.get(item, "type") or ""]
  local place = { output_index = index, item_id = edit.get(item, "id") or EMPTY }
  local begun = { status = edit.get(item, "status") and IN_PROGRESS }
  for _, name in ipairs({ "content", "summary" }) do
    begun[name] = edit.items(edit.get(item, name) or "") and "[]" or nil
  end
  if known then
    begun[known[1]] = EMPTY
  end
  say(out, "response.output_item.added", { output_index = index, item = edit.set(item, begun) })
  if known then
    say_text(out, place, known[2], edit.get(item, known[1]) or EMPTY)
  end
  say_parts(out, place, edit.get(item, "summary"), "summary_index", "response.reasoning_summary_part")
  say_parts(out, place, edit.get(item, "content"), "content_index", "response.content_part")
  say(out, "response.output_item.done", { output_index = index, item = item })
end


-- body: a whole response as JSON text. nil when it is none.
function _M.as_stream(body)
  local list = edit.get(body, "output")
  local items = list and edit.items(list)
  if not items then
    return nil
  end
  local out, begun = {}, edit.set(body, { status = IN_PROGRESS, output = "[]", usage = "null" })
  say(out, "response.created", { response = begun })
  say(out, "response.in_progress", { response = begun })
  for i = 1, #items do
    say_item(out, items[i], i)
  end
  say(out, edit.get(body, "status") == '"incomplete"' and "response.incomplete" or "response.completed", { response = body })
  return concat(out)
end


return _M
