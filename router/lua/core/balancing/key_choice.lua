-- Which of an endpoint's API keys a request is sent with, among those that may be used. A conversation keeps its key,
-- because a provider's prefix cache is per account: rendezvous hashing, so that every router finds the same key, and a key
-- that comes or goes moves only its own conversations. A request without a conversation goes with the least busy key.

local score = require("core.balancing.affinity").score

local _M = {}


local function has_room(key)
  return key.in_flight < key.limit
end


-- keys: {seed, weight = 1, in_flight, limit (of requests in flight, as the provider named it)}, at least one. number: 32
-- bits that stand for the conversation; nil: there is none. random: from 0 to 1. One at its limit only where all are. The
-- index.
function _M.choose(keys, number, random)
  local best, best_has_room, best_value
  local first = number and 0 or math.floor(random * #keys)
  for i = 0, #keys - 1 do
    local index = (first + i) % #keys + 1
    local key = keys[index]
    local value = number and score(number, key) or -key.in_flight
    local is_free = has_room(key)
    if not best or is_free and not best_has_room or is_free == best_has_room and value > best_value then
      best, best_has_room, best_value = index, is_free, value
    end
  end
  return best
end


-- How many requests may be in flight with these keys together, at most the connection limit of the endpoint.
function _M.ceiling(keys, ceiling)
  local total = 0
  for i = 1, #keys do
    total = total + keys[i].limit
  end
  return math.min(total, ceiling)
end


-- What the keys say of their endpoint: nothing while one may be used; else why the one that is back first is out, since
-- when none may be used, and when that one is back (nil: not known). states: {reason (nil: it may be used), since_ms,
-- retry_at_ms}.
function _M.all_out(states)
  local first, since_ms
  for i = 1, #states do
    local one = states[i]
    if not one.reason then
      return nil
    end
    since_ms = math.max(since_ms or 0, one.since_ms)
    if not first or (one.retry_at_ms or math.huge) < (first.retry_at_ms or math.huge) then
      first = one
    end
  end
  return first and { reason = first.reason, since_ms = since_ms, retry_at_ms = first.retry_at_ms }
end


local PASSES = { RateLimited = true, Busy = true } -- a backoff; any other reason is the credential's

-- Of what keeps all keys out: does it end by itself, and soon?
function _M.is_to_pass(out)
  return PASSES[out.reason] or false
end


return _M
