-- A request that an endpoint refuses in this form, changed into a form that it accepts: what it cannot keep is left out
-- or rewritten. Each repair belongs to the words of one refusal, most of them DeepSeek's of 2026; every other byte stays.

local edit = require "core.json.edit"
local scan = require "core.json.scan"

local find = string.find
local match = string.match

local _M = {}

local PLACEHOLDER = '" "' -- not empty: some check for that, too


-- The body with each message of its conversation as change(text, value) has it (nil: as it is); nil: nothing changed.
local function each_message(body, member, decode, change)
  local list = edit.get(body, member)
  local items = list and edit.items(list)
  local is_changed = false
  for i = #(items or {}), 1, -1 do
    local value = decode(items[i])
    local changed = type(value) == "table" and change(items[i], value) or nil
    if changed then
      is_changed = true
      items[i] = changed
    end
    if changed == "" then
      table.remove(items, i)
    end
  end
  return is_changed and edit.set(body, { [member] = edit.list(items) }) or nil
end


local function with_reasoning(body, decode)
  return each_message(body, "messages", decode, function(text, value)
    if value.role == "assistant" and (value.reasoning_content == nil or value.reasoning_content == "") then
      return edit.set(text, { reasoning_content = PLACEHOLDER })
    end
  end)
end


local THINKING = '{"type":"thinking","thinking":" ","signature":" "}'

local function with_thinking(body, decode)
  return each_message(body, "messages", decode, function(text, value)
    if value.role ~= "assistant" then
      return nil
    end
    local content = edit.get(text, "content")
    if type(value.content) == "string" then
      return edit.set(text, { content = edit.list({ THINKING, '{"type":"text","text":' .. content .. "}" }) })
    end
    for _, block in ipairs(type(value.content) == "table" and value.content or {}) do
      if type(block) == "table" and block.type == "thinking" then
        return nil
      end
    end
    local blocks = edit.items(content or "") or {}
    table.insert(blocks, 1, THINKING)
    return edit.set(text, { content = edit.list(blocks) })
  end)
end


local FOREIGN = { thinking = true, redacted_thinking = true }

local function without_thinking(body, decode)
  return each_message(body, "messages", decode, function(text, value)
    local blocks = type(value.content) == "table" and edit.items(edit.get(text, "content") or "")
    local kept = {}
    for i, block in ipairs(blocks or {}) do
      local is_foreign = type(value.content[i]) == "table" and FOREIGN[value.content[i].type]
      kept[#kept + 1] = not is_foreign and block or nil
    end
    if blocks and #kept < #blocks then
      return kept[1] and edit.set(text, { content = edit.list(kept) }) or ""
    end
  end)
end


local function without_reasoning_items(body, decode)
  return each_message(body, "input", decode, function(_, value)
    return value.type == "reasoning" and "" or nil
  end)
end


local function without(...)
  local names = { ... }
  return function(body)
    local changes, is_there = {}, false
    for _, name in ipairs(names) do
      changes[name] = false
      is_there = is_there or edit.get(body, name) ~= nil
    end
    return is_there and edit.set(body, changes) or nil
  end
end


local function clean(raw, decode)
  local value = raw and decode(raw)
  return type(value) == "string" and scan.quote((value:gsub("[^%w_-]", "_"):sub(1, 512))) or nil
end


local function with_clean_user(body, decode)
  local changes = { user_id = clean(edit.get(body, "user_id"), decode) }
  local metadata = edit.get(body, "metadata")
  local of_metadata = metadata and clean(edit.get(metadata, "user_id"), decode)
  changes.metadata = of_metadata and edit.set(metadata, { user_id = of_metadata }) or nil
  return next(changes) and edit.set(body, changes) or nil
end


local function with_system_role(body, decode)
  return each_message(body, "messages", decode, function(text, value)
    return value.role == "developer" and edit.set(text, { role = '"system"' }) or nil
  end)
end


local function with_completion_tokens(body)
  local most = edit.get(body, "max_tokens")
  return most and edit.set(body, { max_tokens = false, max_completion_tokens = most }) or nil
end


-- How refusals name a member that they do not know; no path into one.
local NAMES = {
  "%f[%w_.]([%w_]+): extra inputs are not permitted", "'loc': %('body', '([%w_]+)'%), 'msg': 'extra inputs",
  "unrecognized request arguments? supplied: ([%w_]+)", "unknown parameter: ?\\?[\"'`]([%w_]+)[\\\"'`]",
  "unsupported parameter: ?\\?[\"'`]([%w_]+)[\\\"'`]", "unknown name \\?[\"'`]([%w_]+)\\?[\"'`]: cannot find",
  "unknown field \\?[\"'`]([%w_]+)[\\\"'`]", "property '([%w_]+)' is unsupported",
  "\\?[\"'`]([%w_]+)\\?[\"'`] is not supported on ", "does not support parameters: %['([%w_]+)'%]",
}
-- Without these it would be another request.
local KEPT = {
  model = true, messages = true, input = true, prompt = true, system = true, instructions = true, stream = true,
  tools = true, functions = true, response_format = true, text = true, output_config = true, n = true, stop = true,
  stop_sequences = true, max_tokens = true, max_completion_tokens = true, max_output_tokens = true, grammar = true,
  guided_json = true, guided_regex = true, guided_choice = true, guided_grammar = true, structured_outputs = true,
  json_schema = true, previous_response_id = true, conversation = true,
}


-- The body without the member that a refusal says it does not know. (Its name is the caller's, and a metric's label has
-- few values.)
local function without_unknown(body, _, words)
  for i = 1, #NAMES do
    local name = match(words, NAMES[i])
    if name and not KEPT[name] and edit.get(body, name) then
      return edit.set(body, { [name] = false })
    end
  end
end


-- {words of the refusal, in lower case; the message for the caller; the repair}
local REPAIRS = {
  { "reasoning_content", "reasoning_content", with_reasoning },
  { "content[].thinking", "thinking", with_thinking },
  { "thinking options type cannot be", "reasoning_effort", without("reasoning_effort", "reasoning", "output_config") },
  { "user_id'", "user_id", with_clean_user },
  { "tool_choice", "tool_choice", without("tool_choice") },
  { "in `thinking` block", "thinking", without_thinking },
  { "redacted_thinking", "thinking", without_thinking },
  { "invalid signature", "thinking", without_thinking },
  { "invalid_encrypted_content", "reasoning", without_reasoning_items },
  { "unknown variant `developer`", "role", with_system_role },
  { "max_completion_tokens", "max_tokens", with_completion_tokens },
  { "", "unknown_member", without_unknown },
}
_M.REPAIRS = REPAIRS


-- body: the caller's; refusal: the words of the provider's refusal. The repaired body, and what was repaired in it; nil:
-- there is no repair.
function _M.of(body, refusal, decode)
  local words = refusal:sub(1, 4096):lower()
  for i = 1, #REPAIRS do
    local repaired = find(words, REPAIRS[i][1], 1, true) and REPAIRS[i][3](body, decode, words)
    if repaired then
      return repaired, REPAIRS[i][2]
    end
  end
end


return _M
