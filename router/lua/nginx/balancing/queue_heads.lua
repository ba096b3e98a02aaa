-- Which request is first in the queue for an endpoint, over all workers. Each worker shows, for each endpoint and
-- priority, the ticket of its own first request for it: a number that rises with each request that begins to wait. So a
-- free slot goes to one of them, in whichever worker it is, and a new request sees that another one is before it.

local queue = require "core.balancing.queue"
local in_flight = require "nginx.endpoint.in_flight"
local state = require "nginx.shared.state"

local _M = {}

local WAITING, TURN, TICKET = "queue", "queue:turn", "queue:ticket"

local tickets = {} -- one at a time: nothing here waits


-- What the tickets of an endpoint are shown under, by the pool's priorities.
function _M.names(endpoint, priorities)
  local names = {}
  for i, priority in ipairs(priorities) do
    names[i] = ("head:%d:%s"):format(priority, endpoint.id)
  end
  return names
end


local function collect(endpoint)
  local names = endpoint.heads
  for i = 1, #names do
    tickets[i] = in_flight.shown(names[i])
  end
  return #names
end


-- Does any request wait?
function _M.is_anybody()
  return in_flight.in_flight(WAITING) > 0
end


-- Is another request before this one, if the endpoint has a free slot? All waiting requests are before a new one.
function _M.is_before(request, endpoint)
  local first = queue.first(tickets, collect(endpoint), state.counted(TURN))
  return first ~= nil and first ~= (request.waiter and request.waiter.ticket)
end


-- A place at the endpoint goes to a waiting request.
function _M.note_granted(endpoint)
  if queue.is_contested(tickets, collect(endpoint)) then
    state.count(TURN, 1)
  end
end


local function name_of_line(priority)
  return "queue:" .. priority
end


-- A ticket, with a place to wait; nil when all places of the priority are taken.
function _M.enter(priority, places)
  if not in_flight.acquire(name_of_line(priority), places) then
    return nil
  end
  in_flight.acquire(WAITING, math.huge)
  return state.count(TICKET, 1)
end


function _M.leave(priority)
  in_flight.release(name_of_line(priority))
  in_flight.release(WAITING)
end


-- How many wait in a priority.
function _M.depth(priority)
  return in_flight.in_flight(name_of_line(priority))
end


return _M
