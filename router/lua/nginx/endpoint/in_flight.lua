-- What is taken of each limit that holds over all workers: requests in flight at an endpoint, of a client, in the queue.
-- Counted for each worker, so that what a killed worker held is free again.

local ngx = ngx
local slots = ngx.shared.poolkeeper_slots

local _M = {}

local SLOT_TRIES = 3

local slot_keys = {} -- id -> {worker's key, by worker number plus one}
local me, workers -- this worker's number, and how many there are


local function slot_key(worker, id)
  return worker .. "\0" .. id
end


-- At the start of a worker: what one with its number, now dead, held is free again.
function _M.begin_worker()
  me, workers = ngx.worker.id(), ngx.worker.count()
  local mine = slot_key(me, "")
  for _, key in ipairs(slots:get_keys(0)) do
    if key:sub(1, #mine) == mine then
      slots:delete(key)
    end
  end
end


function _M.worker()
  return me
end


local function keys_of_slots(id)
  local keys = slot_keys[id]
  if not keys then
    keys = {}
    for worker = 0, workers - 1 do
      keys[worker + 1] = slot_key(worker, id)
    end
    slot_keys[id] = keys
  end
  return keys
end


-- (Not as a loop where there is one worker: of a loop that ends in its first turn LuaJIT makes no machine code.)
local function sum(keys)
  local total = slots:get(keys[1]) or 0
  if workers == 1 then
    return total
  end
  for i = 2, workers do
    total = total + (slots:get(keys[i]) or 0)
  end
  return total
end


-- What the other workers hold; mine is known from what incr gives.
local function of_others(keys)
  if workers == 1 then
    return 0
  end
  local total = 0
  for i = 1, workers do
    if i ~= me + 1 then
      total = total + (slots:get(keys[i]) or 0)
    end
  end
  return total
end


function _M.in_flight(id)
  return sum(keys_of_slots(id))
end


-- Takes one of `ceiling` slots, or does not. Two workers that take the last one at once may both give it back: try again
-- then.
function _M.acquire(id, ceiling)
  local keys = keys_of_slots(id)
  local key = keys[me + 1]
  for _ = 1, SLOT_TRIES do
    if slots:incr(key, 1, 0) + of_others(keys) <= ceiling then
      return true
    end
    if slots:incr(key, -1) + of_others(keys) >= ceiling then
      return false
    end
  end
  return false
end


function _M.release(id)
  slots:incr(slot_keys[id][me + 1], -1, 0)
end


-- what a worker shows to the others: a number (nil: none) under an id, gone with the worker like a slot

function _M.show(id, number)
  slots:set(keys_of_slots(id)[me + 1], number)
end


-- The smallest number that a worker shows under the id; false when none does.
function _M.shown(id)
  local keys, smallest = keys_of_slots(id), false
  for i = 1, workers do
    local number = slots:get(keys[i])
    if number and (not smallest or number < smallest) then
      smallest = number
    end
  end
  return smallest
end


return _M
