-- A starting router begins with the startup hints of the others: an endpoint that they report as out
-- (plan/known_outages.py) is out here too, until this router's first half-open request. Only at the start, before
-- anything is served: later it knows better than any document.
--
-- A startup hint is no proof: it excludes an endpoint no longer than a breaker that opens for the first time. The same
-- holds for a refused key, because the key may have been fixed since.

local breaker = require "core.health.breaker"
local breakers = require "nginx.endpoint.breakers"
local clock = require "nginx.shared.clock"
local credentials = require "nginx.endpoint.credentials"
local backoff = require "core.health.backoff"
local backoffs = require "nginx.endpoint.backoffs"
local keyed = require "nginx.endpoint.keyed"
local state = require "nginx.shared.state"

local _M = {}

local NEWS_MS = 30 * 60000 -- an older hint does not count: the operator renews what lasts every ten minutes


local function id_of(endpoint)
  return endpoint.name .. "@" .. endpoint.fingerprint
end


local function begin_record(key, new, record)
  state.update(key, new, function()
    return record
  end)
end


local function begin_one(outage, endpoint, policy, now_ms)
  local context = { now_ms = now_ms, policy = policy, random = math.random() }
  local opened = breaker.new_open(outage.reason, context)
  if outage.model ~= "" then
    begin_record(breakers.name({ id = id_of(endpoint) }, outage.model), breaker.new, opened)
    return
  end
  endpoint.id = id_of(endpoint)
  endpoint.backoff_key = backoffs.key_of(endpoint.id)
  keyed.prepare(endpoint)
  for _, one in ipairs(endpoint.keys) do
    local key = credentials.of(one)
    if not key.missing then
      local down = backoff.new_down(outage.reason, key.version, now_ms, opened.retry_at_ms)
      begin_record(one.backoff_key, backoff.new, down)
    end
  end
end


-- doc: the first of this router, so that there are no records yet.
function _M.begin(doc, now_ms)
  local hints = doc.outages
  if not hints or now_ms - clock.own_ms(hints.told_at_ms) > NEWS_MS then
    return
  end
  local by_id = {}
  for _, endpoint in ipairs(doc.endpoints) do
    by_id[id_of(endpoint)] = endpoint
  end
  for _, outage in ipairs(hints.endpoints) do
    local endpoint = by_id[outage.endpoint .. "@" .. outage.fingerprint]
    if endpoint then
      begin_one(outage, endpoint, doc.policy.circuit_breaker, now_ms)
    end
  end
end


return _M
