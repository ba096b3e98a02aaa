-- Which API key of an endpoint a request may be sent with now, and which it is sent with (core/balancing/key_choice.lua). A
-- key that was refused, is out of balance or has a backoff is left out, and the others serve; only when all are out is the
-- endpoint excluded. Only reads; takes nothing.

local backoff = require "core.health.backoff"
local backoffs = require "nginx.endpoint.backoffs"
local choose = require("core.balancing.key_choice").choose
local core_ceiling = require("core.balancing.key_choice").ceiling
local credentials = require "nginx.endpoint.credentials"
local digest = require "nginx.shared.digest"
local in_flight = require "nginx.endpoint.in_flight"

local math = math
local random = math.random

local _M = {}

local NEVER_MS = math.huge
local NONE = {}

local usable, half_open = {}, {} -- one at a time: nothing here waits


-- Why the request may not be sent with the key: a word of core/balancing/exclusion.lua, what was seen, and when it may be,
-- if that is known. nil: it may.
local function obstacle(request, keyed, now_ms)
  local key = credentials.of(keyed)
  if key.missing then
    return "SecretNotFound", nil, NEVER_MS
  end
  local record = backoffs.record(keyed)
  if backoff.is_down(record, key.version, now_ms) then
    return "OutOfService", record.down_reason, record.down_until_ms > 0 and record.down_until_ms or NEVER_MS
  end
  local refused_until_ms = record.refusals.seen[1] and request.parsed
    and backoff.refused_until_ms(record, digest.of_request(request.parsed), key.version, now_ms)
  if refused_until_ms then
    return "RequestRefused", nil, refused_until_ms
  end
  local retry_at_ms = backoff.retry_at_ms(record, request.model, now_ms)
  if now_ms < retry_at_ms then
    return "Backoff", backoff.reason(record, request.model, now_ms), retry_at_ms
  end
  if request.excluded[keyed.id] then
    return "AlreadyTried", request.excluded[keyed.id], NEVER_MS
  end
end


-- Fills `usable`: the keys that may be used; those with a backoff that lets half-open requests through only where no other
-- may. Else the obstacle that ends first.
local function look(request, endpoint, now_ms)
  local count, half_open_count, first_word, first_because, first_at_ms = 0, 0, nil, nil, NEVER_MS
  for i = 1, #endpoint.keys do
    local keyed = endpoint.keys[i]
    local word, because, at_ms = obstacle(request, keyed, now_ms)
    if word then
      if not first_word or at_ms < first_at_ms then
        first_word, first_because, first_at_ms = word, because, at_ms
      end
    elseif request.model and backoff.is_half_open(backoffs.record(keyed), request.model, now_ms) then
      half_open_count = half_open_count + 1
      half_open[half_open_count] = keyed
    else
      count = count + 1
      usable[count] = keyed
    end
  end
  if count == 0 then
    for i = 1, half_open_count do
      usable[i] = half_open[i]
    end
    count = half_open_count
  end
  for i = count + 1, #usable do
    usable[i] = nil
  end
  return first_word, first_because, first_at_ms
end


-- May the endpoint be asked with any of its keys? nil; else a word, what was seen, and when.
function _M.obstacle(request, endpoint, now_ms)
  if not endpoint.keys[2] then
    return obstacle(request, endpoint.keys[1], now_ms)
  end
  local word, because, at_ms = look(request, endpoint, now_ms)
  if usable[1] then
    return nil
  end
  return word, because, at_ms
end


-- What is in flight with each usable key, and may be.
local function weigh(now_ms)
  for i = 1, #usable do
    local keyed = usable[i]
    keyed.in_flight = in_flight.in_flight(keyed.id)
    keyed.limit = backoff.ceiling(backoffs.record(keyed), NEVER_MS, now_ms)
  end
end


-- The endpoint with the key that the request is sent with; nil when none may be used.
function _M.of(request, endpoint, now_ms)
  if not endpoint.keys[2] then
    return endpoint.keys[1]
  end
  look(request, endpoint, now_ms)
  if not usable[1] then
    return nil
  end
  weigh(now_ms)
  return usable[choose(usable, request.key_number, random())]
end


-- Endpoint -> its keys that are left out, and why, of each endpoint that has several: for people.
function _M.left_out(request, now_ms)
  local by_name = {}
  for _, endpoint in ipairs(request.doc.endpoints) do
    local found = {}
    for _, keyed in ipairs(endpoint.keys[2] and endpoint.keys or NONE) do
      local word, because = obstacle(request, keyed, now_ms)
      found[#found + 1] = word and { key = keyed.number, excluded = word, because = because } or nil
    end
    by_name[endpoint.name] = found[1] and found or nil
  end
  return by_name
end


local ANYBODYS = { excluded = {} } -- no model, no request: what keeps a key from all of them


-- How many requests may be in flight at the endpoint, by the limits that its provider named for its keys.
function _M.ceiling(endpoint, ceiling, now_ms)
  if not endpoint.keys[2] then
    return ceiling
  end
  ANYBODYS.model = nil
  look(ANYBODYS, endpoint, now_ms)
  if not usable[1] then
    return ceiling
  end
  weigh(now_ms)
  return core_ceiling(usable, ceiling)
end


local function is_in_service(keyed, now_ms)
  local key = credentials.of(keyed)
  return not key.missing and not backoff.is_down(backoffs.record(keyed), key.version, now_ms)
end


-- Has the endpoint a key that is there and not refused? It may have a backoff.
function _M.is_in_service(endpoint, now_ms)
  for i = 1, #endpoint.keys do
    if is_in_service(endpoint.keys[i], now_ms) then
      return true
    end
  end
  return false
end


-- Do backoffs of its keys keep requests for a model from the endpoint, or let only half-open ones through?
function _M.has_backoff(endpoint, model, now_ms)
  for i = 1, #endpoint.keys do
    local keyed = endpoint.keys[i]
    if is_in_service(keyed, now_ms) and not backoff.is_half_open(backoffs.record(keyed), model, now_ms) then
      return false
    end
  end
  return true
end


-- Why a backoff keeps requests for a model from the endpoint: its own, or those of all its keys. nil: none does.
function _M.backoff_reason(endpoint, model, now_ms)
  local reason = backoff.reason(backoffs.record(endpoint), model, now_ms)
  for i = 1, endpoint.keys[2] and not reason and _M.has_backoff(endpoint, model, now_ms) and #endpoint.keys or 0 do
    reason = reason or backoff.reason(backoffs.record(endpoint.keys[i]), model, now_ms)
  end
  return reason
end


-- When a request for a model may be sent again, as far as backoffs go.
function _M.retry_at_ms(endpoint, model, now_ms)
  local own_ms, first_ms = backoff.retry_at_ms(backoffs.record(endpoint), model, now_ms), NEVER_MS
  for i = 1, #endpoint.keys do
    if is_in_service(endpoint.keys[i], now_ms) then
      first_ms = math.min(first_ms, backoff.retry_at_ms(backoffs.record(endpoint.keys[i]), model, now_ms))
    end
  end
  return math.max(own_ms, first_ms < NEVER_MS and first_ms or 0)
end


-- When it will be back for a model, as its provider stated; nil when the provider stated no time, or it is back.
function _M.said_until_ms(endpoint, model, now_ms)
  local record = backoffs.record(endpoint)
  local said_ms = backoff.said_until_ms(record, model, now_ms)
  if not endpoint.keys[2] or backoff.is_half_open(record, model, now_ms) and not said_ms
      or not _M.has_backoff(endpoint, model, now_ms) then
    return said_ms
  end
  local first_ms
  for i = 1, #endpoint.keys do
    local keyed = endpoint.keys[i]
    local at_ms = is_in_service(keyed, now_ms) and backoff.said_until_ms(backoffs.record(keyed), model, now_ms)
    first_ms = at_ms and math.min(first_ms or NEVER_MS, at_ms) or first_ms
  end
  return first_ms and math.max(first_ms, said_ms or 0)
end


-- What is known of a key: {reason (nil: it may be used), since_ms, retry_at_ms}.
local function state_of(keyed, now_ms)
  local key, record = credentials.of(keyed), backoffs.record(keyed)
  if key.missing then
    return { reason = "SecretNotFound", since_ms = key.since_ms }
  end
  if backoff.is_down(record, key.version, now_ms) then
    return { reason = record.down_reason, since_ms = record.down_since_ms,
             retry_at_ms = record.down_until_ms > 0 and record.down_until_ms or nil }
  end
  local shown = backoff.shown(record, keyed.model_names, now_ms)
  if shown then
    return { reason = shown.reason, since_ms = shown.since_ms, retry_at_ms = shown.until_ms }
  end
  return { since_ms = key.since_ms }
end


-- What is known of each key of an endpoint that has several; nil: it has not.
function _M.states(endpoint, now_ms)
  if not endpoint.keys[2] then
    return nil
  end
  local states = {}
  for i, keyed in ipairs(endpoint.keys) do
    states[i] = state_of(keyed, now_ms)
    states[i].number, states[i].file, states[i].keyed = keyed.number, keyed.credential.file, keyed
  end
  return states
end


return _M
