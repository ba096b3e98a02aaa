-- Which endpoint is checked when. One worker does it for all: the holder of the lease, which expires when that worker
-- dies or hangs, and another takes over. Checks run in timers, so no request ever waits for one; a few at a time, each
-- endpoint at its own interval, and with each of its keys (nginx/endpoint/keyed.lua). An endpoint that answers requests is
-- not checked: its answers prove more.

local health_records = require "nginx.endpoint.health_records"
local clock = require "nginx.shared.clock"
local check_state = require "core.health.check_state"
local breakers = require "nginx.endpoint.breakers"
local health_request = require "nginx.upstream.health_request"
local credentials = require "nginx.endpoint.credentials"
local concurrency_limits = require "nginx.balancing.concurrency_limits"
local backoffs = require "nginx.endpoint.backoffs"
local in_flight = require "nginx.endpoint.in_flight"
local state = require "nginx.shared.state"
local document_sync = require "nginx.document_sync"

local ngx = ngx
local random = math.random

local _M = {}

local LEASE_S = 2
local AT_ONCE = 8 -- checks under way
local NONE = {}

local schedule = {} -- endpoint's id -> {due_ms, interval_ms, key_version}
local followed -- the document that the schedule is for
local under_way, count_under_way = {}, 0


-- The same endpoint, with the same key, in the document of now: it may have gone, or another policy may hold for it.
local function find(doc, id)
  for _, endpoint in ipairs(doc and doc.endpoints or {}) do
    for _, keyed in ipairs(endpoint.check_key and endpoint.keys or {}) do
      if keyed.id == id then
        return keyed
      end
    end
  end
end


-- Only a check that generates takes a slot. The others do not count at any provider, a full endpoint must be checked too,
-- and no check may keep a request out.
local function inquire(endpoint, key, deadline_ms, allow_loopback)
  local questions = endpoint.questions
  if not (questions[1] and questions[1].generates) then
    return health_request.run(endpoint, key, deadline_ms, allow_loopback)
  end
  local ceiling = concurrency_limits.ceiling(endpoint, backoffs.record(endpoint), clock.now_ms())
  if not in_flight.acquire(endpoint.id, ceiling) then
    return { result = "Unclear" }
  end
  local ok, finding = pcall(health_request.run, endpoint, key, deadline_ms, allow_loopback)
  in_flight.release(endpoint.id)
  return ok and finding or error(finding)
end


local function check(premature, endpoint, key, allow_loopback)
  if not premature then
    local deadline_ms = clock.now_ms() + endpoint.policy.health_check.timeout_ms
    local ok, finding = pcall(inquire, endpoint.whole, key, deadline_ms, allow_loopback)
    local doc = document_sync.current()
    local present = find(doc, endpoint.id)
    if not ok then
      ngx.log(ngx.ERR, "checking endpoint ", endpoint.name, ": ", finding)
    elseif present then
      health_records.ended(present, finding, key.version, clock.now_ms())
    end
  end
  under_way[endpoint.id] = nil
  count_under_way = count_under_way - 1
end


local function start(endpoint, key, allow_loopback)
  local ok, err = ngx.timer.at(0, check, endpoint, key, allow_loopback)
  if not ok then
    ngx.log(ngx.ERR, "starting a health check: ", err)
    return
  end
  under_way[endpoint.id] = true
  count_under_way = count_under_way + 1
end


-- Is the endpoint closed so that only a passed check, or time, opens it again?
local function is_closed(endpoint, record)
  if record.down_reason ~= "" then
    return true
  end
  for _, route in ipairs(endpoint.models) do
    if breakers.record(endpoint.routes[route.name].circuit).state ~= "Closed" then
      return true
    end
  end
  return false
end


local function look_at(endpoint, key, allow_loopback, now_ms)
  local policy = endpoint.policy.health_check
  local known = schedule[endpoint.id]
  if not known or known.interval_ms ~= policy.interval_ms then
    known = { due_ms = check_state.first_due_ms(now_ms, policy, random()), interval_ms = policy.interval_ms,
              key_version = key.version }
    schedule[endpoint.id] = known
  end
  if now_ms < known.due_ms and known.key_version == key.version or count_under_way >= AT_ONCE then
    return
  end
  known.due_ms = check_state.next_due_ms(health_records.record(endpoint), now_ms, policy, random())
  known.key_version = key.version
  local record = backoffs.record(endpoint)
  if now_ms - backoffs.answered_at_ms(endpoint) < policy.interval_ms and not is_closed(endpoint, record) then
    health_records.spared(endpoint, now_ms)
  elseif now_ms >= math.max(record.account.until_ms, backoffs.record(endpoint.whole).account.until_ms)
      and not under_way[endpoint.id] then
    start(endpoint, key, allow_loopback)
  end
end


local function is_checked(endpoint)
  return endpoint.check_key and endpoint.mode == "Active" and endpoint.weight > 0 and endpoint.models[1] ~= nil
end


-- With another document, forgets the times of endpoints that it has no more.
local function follow(doc)
  if doc == followed then
    return
  end
  followed = doc
  for id in pairs(schedule) do
    schedule[id] = find(doc, id) and schedule[id]
  end
end


-- Starts what is due. Called many times a second, in every worker.
function _M.tick()
  local doc = document_sync.current()
  if not doc or doc.policy.health_check.type == "None" then
    return
  end
  if not state.leads("checker", LEASE_S) then
    schedule = {}
    return
  end
  follow(doc)
  local now_ms = clock.now_ms()
  for _, endpoint in ipairs(doc.endpoints) do
    for _, keyed in ipairs(is_checked(endpoint) and endpoint.keys or NONE) do
      local key = credentials.of(keyed)
      if not key.missing then
        look_at(keyed, key, doc.allow_loopback, now_ms)
      end
    end
  end
end


return _M
