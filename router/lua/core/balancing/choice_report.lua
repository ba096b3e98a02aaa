-- A choice for people: the candidates with their weights, and why each other endpoint is excluded (exclusion.lua). The
-- header `x-poolkeeper-debug` and the admin port's /candidates say the same. No address, no key, no text of a request.

local encode = require "core.json.encode"
local exclusion = require "core.balancing.exclusion"
local pick = require "core.balancing.pick"
local weight = require "core.balancing.weight"

local _M = {}

_M.HEADER = "x-poolkeeper-debug"
local HEADER_MAX_BYTES = 4096 -- what common clients read of one header


local function list_or_nil(items)
  return items and encode.list(items)
end


local function row_of(candidate, context)
  local now = weight.dynamic(candidate, context.slow_start_ms, context.now_ms)
  return { name = candidate.name, tier = candidate.tier, weight = math.floor(now * 10 + 0.5) / 10,
           inFlight = candidate.in_flight, limit = candidate.max_connections }
end


-- endpoints: of the pool, in order. notes: name -> why it is excluded. keys: name -> {key, excluded, because} of each of its
-- several keys that is left out. candidates, context: as for pick.choose. Those whose turn it is come first, then other
-- candidates, then the excluded ones.
function _M.of(endpoints, notes, keys, candidates, context)
  local is_turn, of_candidate = {}, {}
  for _, candidate in ipairs(pick.tier(candidates, context)) do
    is_turn[candidate.name] = true
  end
  for _, candidate in ipairs(candidates) do
    of_candidate[candidate.name] = candidate
  end
  local rows, others, excluded = {}, {}, {}
  for _, endpoint in ipairs(endpoints) do
    local candidate, note = of_candidate[endpoint.name], notes[endpoint.name]
    if candidate then
      local row = row_of(candidate, context)
      row.excluded = not is_turn[endpoint.name] and "AnotherTier" or nil
      row.keysLeftOut = list_or_nil(keys[endpoint.name])
      local list = row.excluded and others or rows
      list[#list + 1] = row
    elseif note then
      excluded[#excluded + 1] = { name = endpoint.name, tier = endpoint.tier, excluded = note[1], because = note[2],
                                 keysLeftOut = list_or_nil(keys[endpoint.name]) }
    end
  end
  for _, list in ipairs({ others, excluded }) do
    for _, row in ipairs(list) do
      rows[#rows + 1] = row
    end
  end
  return rows
end


-- The header's value: JSON on one line, at most HEADER_MAX_BYTES. choice: chosen (a name or nil), by (what decided), rows.
-- Rows that find no room are counted in `more`.
function _M.header(choice)
  local head = {}
  for _, name in ipairs({ "by", "chosen" }) do
    head[#head + 1] = choice[name] and ('"%s":"%s",'):format(name, choice[name]) or ""
  end
  local parts, size = {}, #head[1] + #head[2] + 40
  for i, row in ipairs(choice.rows) do
    local text = encode.encode(row)
    size = size + #text + 1
    if size > HEADER_MAX_BYTES then
      return ('{%s"endpoints":[%s],"more":%d}'):format(table.concat(head), table.concat(parts, ","), #choice.rows - i + 1)
    end
    parts[i] = text
  end
  return ('{%s"endpoints":[%s]}'):format(table.concat(head), table.concat(parts, ","))
end


-- The rows with the meaning of their words, for the admin port.
function _M.with_meanings(rows)
  for _, row in ipairs(rows) do
    row.meaning = row.excluded and exclusion.MEANING[row.excluded]
  end
  return encode.list(rows)
end


return _M
