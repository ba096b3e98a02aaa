-- When are two requests the same? When all they say is the same, in any order of the members, except for the form of the
-- answer (a stream or not). Values are compared as they were written: no two different requests are ever taken for one,
-- and callers that repeat a request send the same bytes.

local sort = table.sort

local _M = {}

local NOT_ASKED = { stream = true, stream_options = true }
local SLICE_BYTES = 1024 * 1024 -- some milliseconds of work


-- The names of the members that count, in order, and where in `members` each stands. One that occurs again counts as a
-- member of its own.
local function named(members)
  local names, count, places = {}, 0, {}
  for i = 1, #members, 3 do
    local name = members[i]
    if not NOT_ASKED[name] then
      if places[name] then
        name = name .. "\0" .. i
      end
      count = count + 1
      names[count], places[name] = name, i
    end
  end
  sort(names)
  return names, places
end


-- Says to add(context, text, from, to) what only equal requests share, piece by piece: a prompt may be a megabyte, and is
-- not copied for this. surface: its name; owner: who may be answered with it ("" = anybody); asked: what its headers ask
-- (core/request/headers.lua); parsed: a request (core/request/body.lua). pause: called between pieces of a long one.
function _M.say(surface, owner, asked, parsed, add, context, pause)
  local body, members = parsed.body, parsed.members
  local names, places = named(members)
  local model = parsed.model -- of a request that names none, the pool's first: tomorrow that may be another
  local opening = #owner .. " " .. #model .. " " .. #asked .. " " .. surface .. owner .. model .. asked
  add(context, opening, 1, #opening)
  for i = 1, #names do
    local name = names[i]
    local place = places[name]
    local from, to = members[place + 1], members[place + 2]
    local heading = #name .. " " .. to - from .. " " .. name
    add(context, heading, 1, #heading)
    while to - from >= SLICE_BYTES do
      add(context, body, from, from + SLICE_BYTES - 1)
      from = from + SLICE_BYTES
      pause()
    end
    add(context, body, from, to)
  end
end


return _M
