-- What the router must know of a request's body, and the body as one endpoint is to get it: with that endpoint's name of
-- the model, as a stream where the router wants one, and, for streams, with usage switched on (its extra chunk is taken out
-- again when the caller did not ask).

local find = string.find
local sub = string.sub
local concat = table.concat

local scan = require "core.json.scan"

local _M = {}
local request = {}
request.__index = request

local WATCHED = { model = true, stream = true, stream_options = true, n = true }
local USAGE_OPTIONS = '{"include_usage":true}'
local NAME_MAX_BYTES = 96 -- of a watched member, were each of its characters an escape
local MODEL_MAX_BYTES = 4096


-- A name or string as text: decode is asked only where there are escapes to undo.
local function plain(raw, decode)
  if find(raw, "\\", 1, true) then
    return decode('"' .. raw .. '"')
  end
  return raw
end


_M.plain = plain


local function name_of(raw, decode)
  return #raw <= NAME_MAX_BYTES and plain(raw, decode)
end


-- stream_options with include_usage true, and whether it was so already
local function with_usage(options, decode, pause)
  local members = options and scan.members(options, pause)
  if not members then
    return USAGE_OPTIONS, false
  end
  local kept, asked = {}, false
  for i = 1, #members, 3 do
    local value = sub(options, members[i + 1], members[i + 2])
    if name_of(members[i], decode) == "include_usage" then
      asked = value == "true"
    else
      kept[#kept + 1] = '"' .. members[i] .. '":' .. value
    end
  end
  if asked then
    return options, true
  end
  kept[#kept + 1] = '"include_usage":true'
  return "{" .. concat(kept, ",") .. "}", false
end


local function model_of(raw, default_model, decode)
  if not raw then
    return default_model
  end
  if #raw > MODEL_MAX_BYTES then
    return nil, ("wanted a model's name of %d bytes at most"):format(MODEL_MAX_BYTES)
  end
  local model = find(raw, '^"') and plain(sub(raw, 2, -2), decode)
  if type(model) ~= "string" then
    return nil, "wanted a string as the model"
  end
  return model
end


-- Reads a body. decode: JSON text -> value (asked only for small parts). surface: can_stream, takes_usage.
-- Of a member that occurs twice the last one counts, as with every common parser, and goes into all its places. pause: as in
-- core/json/scan.lua.
function _M.parse(body, decode, default_model, surface, pause)
  local members, err = scan.members(body, pause)
  if not members then
    return nil, err
  end
  local written, is_twice = { model = false, stream = false, stream_options = false, n = false }, false
  for i = 1, #members, 3 do
    local name = name_of(members[i], decode)
    if WATCHED[name] then
      is_twice = is_twice or written[name] ~= false
      written[name] = sub(body, members[i + 1], members[i + 2])
    end
  end
  local model
  model, err = model_of(written.model, default_model, decode)
  if not model then
    return nil, err
  end
  local stream = surface.can_stream and written.stream == "true"
  local options, has_usage = written.stream_options, true
  if surface.can_stream and surface.takes_usage then
    options, has_usage = with_usage(options, decode, pause)
  end
  return setmetatable({
    body = body, members = members, is_empty = #members == 0, written = written, is_twice = is_twice, decode = decode,
    model = model, stream = stream, wants_usage = not stream or has_usage, adds_usage = not has_usage,
    usage_options = options, choices = tonumber(written.n) or 1,
  }, request)
end


-- The members that have no place in the body yet, as text that goes right behind its brace.
local function additions(self, wanted)
  local written, missing = self.written, ""
  if not written.model then
    missing = '"model":' .. wanted.model .. ","
  end
  if wanted.stream and not written.stream then
    missing = missing .. '"stream":' .. wanted.stream .. ","
  end
  if wanted.stream_options and not written.stream_options then
    missing = missing .. '"stream_options":' .. wanted.stream_options .. ","
  end
  return self.is_empty and sub(missing, 1, -2) or missing
end


-- The body with what is wanted of the watched members in all their places.
local function rewritten(self, wanted)
  local body, members, parts, count, pos = self.body, self.members, { nil, nil, nil, nil, nil, nil, nil, nil }, 0, 1
  local missing = additions(self, wanted)
  if missing ~= "" then
    pos = find(body, "{", 1, true) + 1
    parts[1], parts[2], count = "{", missing, 2
  end
  for i = 1, #members, 3 do
    local name = name_of(members[i], self.decode)
    if WATCHED[name] then
      parts[count + 1], parts[count + 2] = sub(body, pos, members[i + 1] - 1), wanted[name]
      count = count + 2
      pos = members[i + 2] + 1
    end
  end
  parts[count + 1] = sub(body, pos)
  local text = concat(parts)
  return text
end


-- The body for an endpoint that calls the model so; quoted_name: as a JSON string. is_plain: without a request for usage
-- that the caller did not make? is_streamed: as a stream, whatever the caller asked for?
function request:body_for(quoted_name, is_plain, is_streamed)
  local written = self.written
  local stream = is_streamed and "true" or written.stream
  local adds = not is_plain and (self.stream or is_streamed)
  local options = adds and self.usage_options or written.stream_options
  if written.model == quoted_name and written.stream == stream and written.stream_options == options
      and not self.is_twice then
    return self.body
  end
  return rewritten(self, { model = quoted_name, stream = stream, n = written.n, stream_options = options })
end


return _M
