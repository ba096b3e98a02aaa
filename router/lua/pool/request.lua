-- What the router must know of a request's body, and the body as one endpoint is to get it: with that endpoint's name of
-- the model, and, for streams, with usage switched on (its extra chunk is taken out again when the caller did not ask).

local find = string.find
local sub = string.sub
local concat = table.concat

local jsonscan = require "pool.jsonscan"

local _M = {}
local request = {}
request.__index = request

local WATCHED = { model = true, stream = true, stream_options = true, n = true }
local USAGE_OPTIONS = '{"include_usage":true}'


-- A name or string as text: decode is asked only where there are escapes to undo.
local function plain(raw, decode)
  if find(raw, "\\", 1, true) then
    return decode('"' .. raw .. '"')
  end
  return raw
end


-- All places of the watched members; of a name that occurs twice the last one counts, as with every common parser.
local function watched_members(body, decode)
  local members, err = jsonscan.members(body)
  if not members then
    return nil, err
  end
  local places, last = {}, {}
  for i = 1, #members do
    local member = members[i]
    local key = plain(member.key, decode)
    if WATCHED[key] then
      member.name = key
      places[#places + 1] = member
      last[key] = sub(body, member.from, member.to)
    end
  end
  return places, nil, last, #members == 0
end


-- stream_options with include_usage true, and whether it was so already
local function with_usage(options, decode)
  local members = options and jsonscan.members(options)
  if not members then
    return USAGE_OPTIONS, false
  end
  local kept = {}
  for i = 1, #members do
    local member = members[i]
    if plain(member.key, decode) ~= "include_usage" then
      kept[#kept + 1] = '"' .. member.key .. '":' .. sub(options, member.from, member.to)
    elseif i == #members and sub(options, member.from, member.to) == "true" then
      return options, true
    end
  end
  local asked = false
  for i = #members, 1, -1 do
    if plain(members[i].key, decode) == "include_usage" then
      asked = sub(options, members[i].from, members[i].to) == "true"
      break
    end
  end
  kept[#kept + 1] = '"include_usage":true'
  return "{" .. concat(kept, ",") .. "}", asked
end


-- Reads a body. decode: JSON text -> value (asked only for small parts). can_stream: does this surface know streams?
function _M.parse(body, decode, default_model, can_stream)
  local places, err, last, is_empty = watched_members(body, decode)
  if not places then
    return nil, err
  end
  local model = default_model
  if last.model then
    if not find(last.model, '^"') then
      return nil, "wanted a string as the model"
    end
    model = plain(sub(last.model, 2, -2), decode)
    if type(model) ~= "string" then
      return nil, "wanted a valid string as the model"
    end
  end
  local stream = can_stream and last.stream == "true"
  local options, asked = nil, true
  if stream then
    options, asked = with_usage(last.stream_options, decode)
  end
  return setmetatable({
    body = body, places = places, last = last, is_empty = is_empty, options = options,
    model = model, stream = stream, wants_usage = asked, choices = tonumber(last.n) or 1,
    written_model = last.model,
  }, request)
end


-- The body for an endpoint that calls the model upstream_name.
function request:body_for(upstream_name)
  local wanted = { model = jsonscan.quote(upstream_name), stream = self.last.stream, n = self.last.n,
                   stream_options = self.options or self.last.stream_options }
  local body, parts, pos = self.body, {}, 1
  local seen = {}
  for i = 1, #self.places do
    local place = self.places[i]
    seen[place.name] = true
    parts[#parts + 1] = sub(body, pos, place.from - 1)
    parts[#parts + 1] = wanted[place.name]
    pos = place.to + 1
  end
  parts[#parts + 1] = sub(body, pos)
  local missing = ""
  if not seen.model then
    missing = '"model":' .. wanted.model .. ","
  end
  if self.options and not seen.stream_options then
    missing = missing .. '"stream_options":' .. self.options .. ","
  end
  if missing == "" then
    return concat(parts)
  end
  if self.is_empty then
    missing = sub(missing, 1, -2)
  end
  local text = concat(parts)
  local brace = find(text, "{", 1, true)
  return sub(text, 1, brace) .. missing .. sub(text, brace + 1)
end


return _M
