-- An event of a stream, said anew: with only what is new of it, or without a member.

local scan = require "core.json.scan"
local sse = require "core.answer.sse"

local quote = scan.quote

local _M = {}

local LEFT_OUT = { choices = true, usage = true }
local LEFT_OUT_OF_CHOICE = { delta = true, text = true, finish_reason = true }


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


local function delta_of(texts, tools, encode)
  local names, parts = {}, {}
  for name in pairs(texts) do
    names[#names + 1] = name
  end
  for i, name in ipairs(sorted(names)) do
    parts[i] = quote(name) .. ":" .. quote(texts[name])
  end
  local calls = {}
  for i, tool in ipairs(tools) do
    calls[i] = tool.raw and (encode(tool.raw) or "{}")
      or ('{"index":%d,"function":{"arguments":%s}}'):format(tool.index, quote(tool.arguments))
  end
  if calls[1] then
    parts[#parts + 1] = '"tool_calls":[' .. table.concat(calls, ",") .. "]"
  end
  return table.concat(parts, ",")
end


-- The lines of an event that are not its data, and its data said anew.
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
  local members = data and scan.members(data)
  if not members then
    return event
  end
  local parts = {}
  for i = 1, #members, 3 do
    if members[i] ~= name then
      parts[#parts + 1] = '"' .. members[i] .. '":' .. data:sub(members[i + 1], members[i + 2])
    end
  end
  return with_data(event, "{" .. table.concat(parts, ",") .. "}")
end


-- One choice: what it was, the new texts by their channels and the new tool calls ({raw} or {index, arguments}).
function _M.choice(choice, texts, tools, encode)
  local parts = scalars(choice, LEFT_OUT_OF_CHOICE)
  local reason = choice.finish_reason
  parts[#parts + 1] = type(choice.delta) ~= "table" and '"text":' .. quote(texts.text or "")
    or '"delta":{' .. delta_of(texts, tools, encode) .. "}"
  parts[#parts + 1] = '"finish_reason":' .. (type(reason) == "string" and quote(reason) or "null")
  return "{" .. table.concat(parts, ",") .. "}"
end


-- The event: what it was (decoded), its choices as above, its usage (nil: not said).
function _M.event(value, choices, usage, encode)
  local parts = scalars(value, LEFT_OUT)
  parts[#parts + 1] = '"choices":[' .. table.concat(choices, ",") .. "]"
  local account = usage and encode(usage)
  if account then
    parts[#parts + 1] = '"usage":' .. account
  end
  return "data: {" .. table.concat(parts, ",") .. "}\n\n"
end


return _M
