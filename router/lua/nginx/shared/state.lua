-- What all workers share: records, counters, conversations, cached answers, a log of transitions. With in_flight.lua and
-- series_store.lua the only file that touches ngx.shared.
--
-- Records (of breakers and backoffs) are read often and changed seldom. Every change moves the epoch; a worker keeps
-- decoded records and drops them when the epoch has moved, so a request reads one number, however many endpoints there
-- are. A change is made under a lock of its key, on the record as it then is. The lock expires by itself: its holder may
-- be killed.

local cjson = require "cjson.safe"

local ngx = ngx
local records = ngx.shared.poolkeeper_records
local counters = ngx.shared.poolkeeper_counters
local conversations = ngx.shared.poolkeeper_conversations
local answers = ngx.shared.poolkeeper_answers

local _M = {}

local LOCK_S = 0.1 -- far longer than a change takes
local LOG_LENGTH = 128

local cache = {}
local cache_epoch


-- epoch and records

function _M.epoch()
  local epoch = records:get("epoch") or 0
  if epoch ~= cache_epoch then
    cache, cache_epoch = {}, epoch
  end
  return epoch
end


local function move_epoch()
  records:incr("epoch", 1, 0)
end


local function stored(key)
  local text = records:get(key)
  return text and cjson.decode(text)
end


-- The record of a key as of the last look at the epoch; new() when there is none. Never change what you get.
function _M.read(key, new)
  local record = cache[key]
  if not record then
    record = stored(key) or new()
    cache[key] = record
  end
  return record
end


-- No sleeping here: a request's last records are written in the log phase, where nothing can wait.
local function lock(key)
  while not records:add(key, true, LOCK_S) do
    ngx.update_time()
  end
end


-- step(record) -> record, effects...; what it gives back instead of the same record is stored. Without a lock first: most
-- events change nothing.
function _M.update(key, new, step)
  _M.epoch()
  local record = _M.read(key, new)
  local after, effects = step(record)
  if after == record then
    return effects
  end
  local lock_key = "lock:" .. key
  lock(lock_key)
  record = stored(key) or new()
  after, effects = step(record)
  if after ~= record then
    records:set(key, cjson.encode(after))
    move_epoch()
  end
  records:delete(lock_key)
  return effects
end


-- the document

function _M.publish(text, refused)
  records:set("document", text)
  records:set("refused", refused or "")
  move_epoch()
end

function _M.refuse(refused)
  records:set("refused", refused)
end

function _M.document()
  return records:get("document")
end

function _M.refused()
  local text = records:get("refused")
  return text and text ~= "" and text or nil
end


-- Is this worker the one that does what only one may do? The first that calls is, for hold_s at a time, until it stops
-- calling.
function _M.leads(role, hold_s)
  local key, pid = "leader:" .. role, ngx.worker.pid()
  if records:add(key, pid, hold_s) then
    return true
  end
  if records:get(key) ~= pid then
    return false
  end
  records:set(key, pid, hold_s)
  return true
end


-- counters, of windows and totals

function _M.count(key, amount, ttl_s)
  return counters:incr(key, amount, 0, ttl_s or 0)
end

function _M.counted(key)
  return counters:get(key) or 0
end

-- Once a pool, by the first worker that calls: the start of a bucket's tokens, for example.
function _M.begin_count(key, amount)
  counters:add(key, amount)
end

-- A count, or a text; nil: no longer. ttl_s: for how long, nil: for ever.
function _M.note(key, value, ttl_s)
  counters:set(key, value, ttl_s or 0)
end

function _M.noted(key)
  return counters:get(key)
end


-- conversations: its place, and which endpoint answered last; the least recent ones are dropped when there is no room

function _M.conversation(hash)
  return (conversations:get(hash))
end

function _M.remember_conversation(hash, endpoint_name, ttl_s)
  conversations:set(hash, endpoint_name, ttl_s)
end


-- cached answers, each with the second it was given in; the least recently used ones are dropped when there is no room

function _M.keep_answer(key, text, ttl_s, given_s)
  answers:set(key, text, ttl_s, given_s)
end


function _M.kept_answer(key)
  return answers:get(key)
end


-- the log of transitions

function _M.log_transition(entry)
  local sequence = records:incr("log:last", 1, 0)
  entry.sequence = sequence
  records:set("log:" .. sequence % LOG_LENGTH, cjson.encode(entry))
end


-- The last ones, oldest first.
function _M.transitions()
  local last = records:get("log:last") or 0
  local found = {}
  for sequence = math.max(1, last - LOG_LENGTH + 1), last do
    local entry = stored("log:" .. sequence % LOG_LENGTH)
    if entry and entry.sequence == sequence then
      found[#found + 1] = entry
    end
  end
  return found
end


-- Calls see(key) for every record whose key starts so.
function _M.each(prefix, see)
  for _, key in ipairs(records:get_keys(0)) do
    if key:sub(1, #prefix) == prefix then
      see(key)
    end
  end
end


-- Drops the records that keep(key) does not want: of endpoints that are gone or have become others.
function _M.sweep(prefix, keep)
  for _, key in ipairs(records:get_keys(0)) do
    if key:sub(1, #prefix) == prefix and not keep(key:sub(#prefix + 1)) then
      records:delete(key)
    end
  end
  move_epoch()
end


return _M
