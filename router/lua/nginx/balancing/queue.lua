-- The queue: requests wait here while every endpoint that could serve them is full. Its rules are in
-- core/balancing/queue.lua.
--
-- Requests for the same endpoints stand in one line, by priority. Only the first of a line looks for an endpoint: at once
-- when a slot of this worker becomes free, else every TICK_MS, which finds slots that other workers gave back and
-- endpoints that have recovered. What it then wants is shown to the other workers (queue_heads.lua), so that the order
-- holds over all of them. When a worker is killed, its waiting requests end, and what it showed disappears.

local balancer = require "nginx.balancing.balancer"
local clock = require "nginx.shared.clock"
local queue_heads = require "nginx.balancing.queue_heads"
local metrics = require "nginx.shared.metrics"
local queue = require "core.balancing.queue"
local semaphore = require "ngx.semaphore"
local in_flight = require "nginx.endpoint.in_flight"
local state = require "nginx.shared.state"

local _M = {}

local TICK_MS = 5
local RETRY_MIN_MS = 1000
local NOBODY = {}

local lines = {} -- name -> {priority -> list}; a list: {first, last, [first..last] = waiter}
local waiting = 0 -- in this worker
local shown = {} -- name of a head -> the ticket shown for it
local looked_at_ms = 0
local last_wait_ms = 0 -- of the request that was served last


-- lines

local function name_of_line(request)
  local without = {}
  for name in pairs(request.excluded) do
    without[#without + 1] = name
  end
  for name in pairs(request.barred or NOBODY) do
    without[#without + 1] = name
  end
  table.sort(without)
  return ("%d %s %s %s"):format(request.doc.generation, request.asked, request.needs or "", table.concat(without, " "))
end


local function join(waiter)
  local name, priority = name_of_line(waiter.request), waiter.priority
  local line = lines[name] or {}
  local list = line[priority] or { first = 1, last = 0 }
  lines[name], line[priority] = line, list
  list.last = list.last + 1
  list[list.last] = waiter
  waiter.list = list
end


-- The first request of a list that still waits; nil when none does.
local function first_of(list)
  while list.first <= list.last and list[list.first].is_done do
    list[list.first] = nil
    list.first = list.first + 1
  end
  return list[list.first]
end


-- Shows the other workers which request is first here, and for what.
local function show()
  local now_first = {}
  for name, line in pairs(lines) do
    for priority, list in pairs(line) do
      local waiter = first_of(list)
      if not waiter then
        line[priority] = nil
      end
      for _, head in ipairs(waiter and waiter.wanted or {}) do
        now_first[head] = math.min(now_first[head] or math.huge, waiter.ticket)
      end
    end
    if not next(line) then
      lines[name] = nil
    end
  end
  for head, ticket in pairs(shown) do
    if now_first[head] ~= ticket then
      in_flight.show(head, now_first[head])
    end
  end
  for head, ticket in pairs(now_first) do
    if not shown[head] then
      in_flight.show(head, ticket)
    end
  end
  shown = now_first
end


-- The heads to show for a request that wants these endpoints.
local function heads_for(endpoints, place)
  local wanted = {}
  for i, endpoint in ipairs(endpoints) do
    wanted[i] = endpoint.heads[place]
  end
  return wanted
end


-- Its wait is over; the request behind it looks from now on.
local function finish(waiter)
  waiter.is_done = true
  waiting = waiting - 1
  queue_heads.leave(waiter.priority)
  waiter.woken:post(1)
  local behind = first_of(waiter.list)
  if behind then
    behind.woken:post(1)
  end
end


-- giving away

-- No endpoint is full any more, and none is back in time: waiting in a queue does not help against this obstacle.
local function is_in_vain(waiter, obstacle)
  return obstacle.full == 0 and (obstacle.retry_at_ms or math.huge) >= waiter.until_ms
end


-- Looks for the first of a list; true when that leaves, and the one behind it is to be looked for.
local function serve_first(list, now_ms)
  local waiter = first_of(list)
  if not waiter then
    return false
  end
  local request = waiter.request
  local attempt, obstacle = balancer.next(request, now_ms)
  if attempt then
    queue_heads.note_granted(attempt.endpoint)
    request.attempt, waiter.attempt = attempt, attempt -- in the request at once: its caller may leave before it wakes up
    last_wait_ms = now_ms - waiter.since_ms
    finish(waiter)
    return true
  end
  waiter.wanted = heads_for(obstacle.wanted, waiter.place)
  if is_in_vain(waiter, obstacle) then
    waiter.obstacle = obstacle
    finish(waiter)
    return true
  end
  return false
end


local function look(now_ms)
  looked_at_ms = now_ms
  state.epoch()
  local is_moving = true
  while is_moving do
    is_moving = false
    for _, line in pairs(lines) do
      for _, list in pairs(line) do
        is_moving = serve_first(list, now_ms) or is_moving
      end
    end
    show()
  end
end


-- A slot of this worker is free again.
function _M.freed()
  if waiting > 0 then
    look(clock.now_ms())
  end
end


-- waiting

local histograms = {} -- priority and end -> histogram

local function observe(priority, how, wait_ms)
  local key = priority .. how
  histograms[key] = histograms[key] or metrics.histogram("poolkeeper_queue_wait_seconds", priority, how)
  metrics.observe(histograms[key], wait_ms / 1000)
end


-- How the wait ended, for metrics.
local function end_of(waiter)
  if waiter.attempt then
    return "served"
  end
  return waiter.obstacle and "given_up" or clock.now_ms() >= waiter.until_ms and "timed_out" or "client_gone"
end


-- The request does not wait any more, whatever the reason. Also for one whose caller has gone.
function _M.leave(request)
  local waiter = request.waiter
  if not waiter then
    return
  end
  request.waiter = nil
  local wait_ms = clock.now_ms() - waiter.since_ms
  request.queue_left_ms = waiter.left_ms - wait_ms
  request.queued_ms = (request.queued_ms or 0) + wait_ms
  observe(waiter.priority, end_of(waiter), wait_ms)
  if not waiter.is_done then
    finish(waiter)
    show()
  end
end


local function wait_until_done(waiter)
  local now_ms = clock.now_ms()
  while not waiter.is_done and now_ms < waiter.until_ms do
    local left_ms = waiter.until_ms - now_ms
    local is_first = first_of(waiter.list) == waiter
    waiter.woken:wait((is_first and math.min(TICK_MS, left_ms) or left_ms) / 1000)
    now_ms = clock.now_ms()
    if is_first and not waiter.is_done and now_ms - looked_at_ms >= TICK_MS then
      look(now_ms)
    end
  end
end


local function place_of(priorities, priority)
  for place, known in ipairs(priorities) do
    if known == priority then
      return place
    end
  end
end


-- Puts the request into the queue; nil when there is no place to wait in.
local function enter(request, obstacle, now_ms)
  local doc = request.doc
  local left_ms = request.queue_left_ms or doc.policy.queue.max_wait_ms
  local priorities = doc.access.priorities
  local priority = queue.priority(priorities, request.client.priority, request.asked_priority)
  local ticket = queue_heads.enter(priority, queue.places(doc.policy.queue.max_depth, #priorities))
  if not ticket then
    return nil
  end
  local place = place_of(priorities, priority)
  local waiter = {
    request = request, ticket = ticket, priority = priority, place = place, wanted = heads_for(obstacle.wanted, place),
    since_ms = now_ms, left_ms = left_ms, until_ms = math.min(now_ms + left_ms, request.deadline_ms),
    woken = semaphore.new(), is_done = false, attempt = nil, obstacle = nil, list = nil,
  }
  request.waiter, request.tier_wait_ms = waiter, 0
  waiting = waiting + 1
  join(waiter)
  show()
  return waiter
end


local function shed(request, obstacle, code)
  obstacle.shed = code
  obstacle.retry_ms = math.max(RETRY_MIN_MS, math.min(last_wait_ms, request.doc.policy.queue.max_wait_ms))
  return nil, obstacle
end


-- Waits for a place at an endpoint. An attempt, or nil and the obstacle, with shed (a code) and retry_ms where the queue
-- is at its limits.
function _M.wait(request, obstacle)
  local now_ms = clock.now_ms()
  if request.queue_left_ms and request.queue_left_ms <= 0 then
    return shed(request, obstacle, "queue_timeout")
  end
  local waiter = enter(request, obstacle, now_ms)
  if not waiter then
    return shed(request, obstacle, "queue_full")
  end
  wait_until_done(waiter)
  _M.leave(request)
  if waiter.attempt then
    return waiter.attempt
  end
  if waiter.obstacle then
    return nil, waiter.obstacle
  end
  return shed(request, obstacle, "queue_timeout")
end


return _M
