-- When are two requests the same? When all they say is the same, in any order of the members, except for the form of the
-- answer (a stream or not). Values are compared as they were written: no two different requests are ever taken for one,
-- and callers that repeat a request send the same bytes.

local sort = table.sort

local _M = {}

local NOT_ASKED = { stream = true, stream_options = true }
local SLICE_BYTES = 1024 * 1024 -- some milliseconds of work
local FEW = 16 -- members, which are put in order one by one


-- Where the next member belongs among order[1..at], whose names are in order: the others make room.
local function place_for(order, members, at, name)
  if at == 0 or members[order[at]] <= name then
    return at + 1
  end
  order[at + 1] = order[at]
  return place_for(order, members, at - 1, name)
end


local function by_name(order, members)
  sort(order, function(one, other)
    local name, other_name = members[one], members[other]
    return name < other_name or name == other_name and one < other
  end)
end


-- Where in `members` those stand that count, in the order of their names. One that occurs again counts again.
local function in_order(members)
  local order, count, are_few = { nil, nil, nil, nil, nil, nil }, 0, #members <= 3 * FEW
  for i = 1, #members, 3 do
    local name = members[i]
    if not NOT_ASKED[name] then
      order[are_few and place_for(order, members, count, name) or count + 1] = i
      count = count + 1
    end
  end
  if not are_few then
    by_name(order, members)
  end
  return order, count
end


local function say_long(sink, context, text, from, to, pause)
  while to - from >= SLICE_BYTES do
    sink.add(context, text, from, from + SLICE_BYTES - 1)
    from = from + SLICE_BYTES
    pause()
  end
  sink.add(context, text, from, to)
end


-- Says to a sink what only equal requests share, piece by piece: a prompt may be a megabyte, and is not copied for this.
-- sink: add(context, text, from, to), and add_lengths(context, one, other) of the next two texts. surface: its name; owner:
-- who may be answered with it ("" = anybody); query, asked: what its headers ask (core/request/headers.lua); parsed: a
-- request (core/request/body.lua). pause: called between pieces of a long one.
function _M.say(surface, owner, query, asked, parsed, sink, context, pause)
  local body, members, add = parsed.body, parsed.members, sink.add
  local model = parsed.model -- of a request that names none, the pool's first: tomorrow that may be another
  sink.add_lengths(context, #surface, #model)
  sink.add_lengths(context, #owner, #query)
  sink.add_lengths(context, #asked, 0)
  add(context, surface, 1, #surface)
  add(context, model, 1, #model)
  if owner ~= "" or query ~= "" or asked ~= "" then
    add(context, owner, 1, #owner)
    add(context, query, 1, #query)
    add(context, asked, 1, #asked)
  end
  local order, count = in_order(members)
  for i = 1, count do
    local at = order[i]
    local name, from, to = members[at], members[at + 1], members[at + 2]
    sink.add_lengths(context, #name, to - from)
    add(context, name, 1, #name)
    if to - from < SLICE_BYTES then
      add(context, body, from, to)
    else
      say_long(sink, context, body, from, to, pause)
    end
  end
end


return _M
