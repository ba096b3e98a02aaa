-- The request that has an endpoint go on with an answer from what was sent of it: how each provider wants to be asked, and
-- the caller's body rewritten for that. nil where that cannot be said in the caller's own words; then the answer is
-- generated again.

local sub = string.sub
local concat = table.concat

local edit = require "core.json.edit"
local scan = require "core.json.scan"

local _M = {}

-- member: beside role and content in the message to go on with; members: of the body; place: where (surface_support.lua).
-- is_unsaid: nothing in a chat says that it is to be continued; some servers with the same API begin a new turn, so it must
-- be proved (prefill_proof.lua). has_templates: a prompt is put into the chat's template, too, and never continued.
local PLAIN = { member = "", members = {}, place = nil, is_unsaid = true, has_templates = false }
local CHAT_TEMPLATE = { member = "", place = nil, is_unsaid = false, has_templates = false,
                        members = { add_generation_prompt = "false", continue_final_message = "true" } }
local DIALECTS = {
  DeepSeek = { member = ',"prefix":true', members = {}, place = "prefix", is_unsaid = false, has_templates = false },
  SiliconFlow = { member = ',"prefix":true', members = {}, place = nil, is_unsaid = false, has_templates = false },
  Ollama = { member = "", members = {}, place = nil, is_unsaid = true, has_templates = true },
  VLLM = CHAT_TEMPLATE,
  SGLang = CHAT_TEMPLATE,
}
-- Members that bind an answer to a grammar. Servers start it anew after what they are given to continue (vLLM's never sees
-- the prompt), and what comes then is a second document.
local GRAMMARS = {
  response_format = true, structured_outputs = true, guided_json = true, guided_regex = true, guided_choice = true,
  guided_grammar = true, guided_decoding_backend = true, grammar = true, json_schema = true, regex = true, ebnf = true,
  format = true, tool_choice = true,
}
-- What they say where they bind to nothing; response_format says it by its type.
local UNBOUND = { null = true, ['"auto"'] = true, ['"none"'] = true, ['"text"'] = true, ['""'] = true, ["{}"] = true }
local LENGTHS = { max_tokens = true, max_completion_tokens = true }


function _M.dialect(provider)
  return DIALECTS[provider] or PLAIN
end


-- Does the request bind its answer to a grammar?
function _M.is_bound(body)
  local members = scan.members(body)
  for i = 1, members and #members or 0, 3 do
    local value = sub(body, members[i + 1], members[i + 2])
    if GRAMMARS[members[i]] and not UNBOUND[value] and edit.get(value, "type") ~= '"text"' then
      return true
    end
  end
  return members == nil
end


-- The channel of what was sent that can be continued: the answer of a single choice, once it has begun; nil: none.
function _M.channel(sent, surface_name)
  local channels = sent.choices[0]
  if sent.is_opaque or not channels or next(sent.choices, next(sent.choices)) ~= nil then
    return nil
  end
  for name in pairs(channels) do
    if name:find("^tool:") then
      return nil
    end
  end
  local name = surface_name == "chat" and "content" or "text"
  return channels[name] and name
end


-- The beginning that the caller brought, and what was sent of the rest, as one message.
local function with_rest(messages, last, text, dialect)
  if last.prefix ~= true or type(last.content) ~= "string" then
    return nil
  end
  local items = edit.items(messages)
  items[#items] = edit.set(items[#items], { content = scan.quote(last.content .. text),
                                            prefix = dialect.member ~= "" and "true" })
  return edit.list(items)
end


local function with_answer(messages, text, dialect, decode)
  local list = decode(messages)
  local last = type(list) == "table" and list[#list]
  if type(last) ~= "table" then
    return nil
  end
  if last.role == "assistant" then
    return with_rest(messages, last, text, dialect)
  end
  local message = ('{"role":"assistant","content":%s%s}'):format(scan.quote(text), dialect.member)
  return sub(messages, 1, -2) .. "," .. message .. "]"
end


local function with_text(prompt, text)
  return sub(prompt, 1, 1) == '"' and sub(prompt, 1, -2) .. sub(scan.quote(text), 2)
end


local function shorter(value, pieces)
  local length = tonumber(value)
  return length and ("%.0f"):format(math.max(1, length - pieces)) or value
end


-- The body. text, pieces: what was sent of the answer, and of how many pieces; decode: of JSON.
function _M.body(body, text, pieces, dialect, decode)
  local members = scan.members(body)
  if not members then
    return nil
  end
  local parts, seen, has_answer = {}, {}, false
  for i = 1, #members, 3 do
    local name, value = members[i], sub(body, members[i + 1], members[i + 2])
    if seen[name] or name:find("\\", 1, true) then
      return nil
    end
    seen[name] = true
    if name == "messages" then
      value = with_answer(value, text, dialect, decode)
      has_answer = true
    elseif name == "prompt" then
      value = with_text(value, text)
      has_answer = true
    elseif name == "echo" and value == "true" then
      return nil
    elseif LENGTHS[name] then
      value = shorter(value, pieces)
    end
    if not value then
      return nil
    end
    if not dialect.members[name] then
      parts[#parts + 1] = '"' .. name .. '":' .. value
    end
  end
  if not has_answer then
    return nil
  end
  for _, name in ipairs({ "add_generation_prompt", "continue_final_message" }) do
    local value = seen.messages and dialect.members[name]
    parts[#parts + 1] = value and '"' .. name .. '":' .. value
  end
  return "{" .. concat(parts, ",") .. "}"
end


return _M
