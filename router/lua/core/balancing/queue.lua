-- The rules of the queue in which requests wait while every endpoint that could serve them is full.
--
-- Within a priority: first come, first served. Among priorities: of SHARE places that become free, all but one go to the
-- first priority in which a request waits, and one to the priorities after it, which share it by the same rule. So
-- premium callers come first, and no request waits for ever: with three priorities the shares are 80, 16 and 4 %. Each
-- priority has its own part of the places to wait in: a long line in one takes no place from another.

local floor = math.floor
local max = math.max

local _M = {}

local SHARE = 5


-- Whose turn it is. tickets[1..count], by priority, the first one first: the ticket of the first request, false where no
-- request waits. turn: how many places that several priorities wanted were given away before.
function _M.first(tickets, count, turn)
  local first
  for i = 1, count do
    if tickets[i] then
      first = tickets[i]
      if turn % SHARE ~= SHARE - 1 then
        return first
      end
      turn = floor(turn / SHARE)
    end
  end
  return first
end


-- Do several priorities want it?
function _M.is_contested(tickets, count)
  local wanting = 0
  for i = 1, count do
    wanting = wanting + (tickets[i] and 1 or 0)
  end
  return wanting > 1
end


-- The priorities of a pool's clients, the first one first; never none.
function _M.priorities(clients)
  local found, known = {}, {}
  for _, client in ipairs(clients) do
    if not known[client.priority] then
      known[client.priority] = true
      found[#found + 1] = client.priority
    end
  end
  table.sort(found)
  return found[1] and found or { 0 }
end


-- How many may wait in each of so many priorities: together never more than max_depth, unless there are more priorities.
function _M.places(max_depth, priorities)
  return max(1, floor(max_depth / priorities))
end


-- The priority that a request waits in: its client's own, or a later one that it asks for; never an earlier one. Only
-- priorities that the pool knows: asked for another, it is the next one after that, or the last.
function _M.priority(priorities, own, asked)
  local number = type(asked) == "string" and asked:find("^%d%d?%d?%d?%d?$") and tonumber(asked) or own
  local wanted = max(own, number)
  for i = 1, #priorities do
    if priorities[i] >= wanted then
      return priorities[i]
    end
  end
  return priorities[#priorities]
end


return _M
