-- GET /metrics: the counted series, and gauges as they are now. It is written in slices, and other requests have their turn
-- in between, because a large pool has ten thousands of series. nginx compresses it for who accepts that.

local balancer = require "nginx.balancing.balancer"
local clock = require "nginx.shared.clock"
local concurrency_limits = require "nginx.balancing.concurrency_limits"
local declared = require "core.metrics.declared"
local document_sync = require "nginx.document_sync"
local endpoint_summary = require "nginx.balancing.endpoint_summary"
local families = require "core.metrics.families"
local health_records = require "nginx.endpoint.health_records"
local in_flight = require "nginx.endpoint.in_flight"
local metrics = require "nginx.shared.metrics"
local pool_breaker = require "nginx.endpoint.pool_breaker"
local queue_heads = require "nginx.balancing.queue_heads"
local series_names = require "core.metrics.series"
local since = require "core.health.since"
local series_store = require "nginx.shared.series_store"
local state = require "nginx.shared.state"
local values = require "core.metrics.values"
local turn = require "nginx.shared.turn"
local worker_health = require "nginx.shared.worker_health"

local ngx = ngx
local of = metrics.series

local _M = {}

local NONE = {}
local SLICE = 128 -- series between two looks at the clock
local TURN_MS = 2
local BREAKER_VALUE = { Closed = 0, HalfOpen = 1, Open = 2 }
local HEALTH_VALUE = { Healthy = 1, Unhealthy = 0, Unknown = 0.5 }

local ORDER = {}
for family in pairs(families) do
  ORDER[#ORDER + 1] = family
end
table.sort(ORDER)


-- The counted series of each family, as far as this worker has read the shared list of them.
local by_family, known_count, known_version = {}, 0, 0

local function read_list()
  if known_version ~= series_store.version() then
    by_family, known_count, known_version = {}, 0, series_store.version()
  end
  known_count = series_store.each(known_count, function(name)
    local family = series_names.family_of(name)
    if family then
      local list = by_family[family] or {}
      by_family[family] = list
      list[#list + 1] = name
    end
  end)
end


-- gauges

local function seconds(own_ms)
  return own_ms > 0 and clock.to_wall_ms(own_ms) / 1000 or 0
end


local function add_endpoint(add, doc, endpoint, now_ms)
  local name, known = endpoint.name, endpoint_summary.of(doc, endpoint, now_ms)
  add("poolkeeper_endpoint_info", 1, name, endpoint.provider, endpoint.region, ("%d"):format(endpoint.tier))
  add("poolkeeper_endpoint_health", HEALTH_VALUE[known.summary.health], name)
  add("poolkeeper_endpoint_weight", math.floor(balancer.weight_of(endpoint, now_ms) * 10 + 0.5) / 10, name)
  add("poolkeeper_in_flight", in_flight.in_flight(endpoint.id), name)
  add("poolkeeper_max_connections", endpoint.max_connections, name)
  add("poolkeeper_concurrency_limit", concurrency_limits.ceiling(endpoint, known.backoff, now_ms), name)
  for i, route in ipairs(endpoint.models) do
    add("poolkeeper_endpoint_breaker_state", BREAKER_VALUE[known.circuits[i].state], name, route.name)
  end
  for cause, since_ms in pairs(since.causes(known, endpoint.advice, now_ms)) do
    add("poolkeeper_endpoint_unavailable_since_seconds", seconds(since_ms), name, cause)
  end
  for currency, amount in pairs(health_records.credit(endpoint)) do
    add("poolkeeper_endpoint_balance", amount, name, currency)
  end
  if endpoint.key_path then
    add("poolkeeper_credential_since_seconds", seconds(known.key.since_ms), name)
  end
  for _, key in ipairs(known.keys or NONE) do
    local number = ("%d"):format(key.number)
    for _, reason in ipairs(values.KEY_REASONS) do
      add("poolkeeper_key_unavailable_since_seconds", key.reason == reason and seconds(key.since_ms) or 0, name, number,
          reason)
    end
    add("poolkeeper_key_in_flight", in_flight.in_flight(key.keyed.id), name, number)
    for currency, amount in pairs(health_records.credit(key.keyed)) do
      add("poolkeeper_key_balance", amount, name, number, currency)
    end
  end
end


local function add_document(add, doc, now_ms)
  for _, endpoint in ipairs(doc.endpoints) do
    add_endpoint(add, doc, endpoint, now_ms)
    turn.pause(TURN_MS)
  end
  for _, model in ipairs(doc.models) do
    add("poolkeeper_active_tier", balancer.tier_of(doc, model, now_ms) or -1, model)
    turn.pause(TURN_MS)
  end
  for _, priority in ipairs(doc.access.priorities) do
    add("poolkeeper_queue_depth", queue_heads.depth(priority), ("%d"):format(priority))
  end
  for _, client in ipairs(doc.access.clients) do
    if doc.bounds.clients[client.name] ~= declared.OTHER then
      add("poolkeeper_client_in_flight", in_flight.in_flight(client.slot_id), client.name)
      add("poolkeeper_client_max_connections", client.max_connections, client.name)
    end
  end
  add("poolkeeper_config_info", 1, doc.pool, doc.hash)
end


-- Family -> lines.
local function gauges()
  local lines, doc, now_ms = {}, document_sync.current(), clock.now_ms()
  local function add(family, value, ...)
    local list = lines[family] or {}
    lines[family] = list
    list[#list + 1] = ("%s %.15g\n"):format(of(family, ...), value)
  end
  add("poolkeeper_config_generation", doc and doc.generation or 0)
  add("poolkeeper_global_breaker_state", doc and BREAKER_VALUE[pool_breaker.view(doc, now_ms).state] or 0)
  add("poolkeeper_config_refused", state.refused() and 1 or 0)
  add("poolkeeper_start_time_seconds", worker_health.since_ms() / 1000)
  if doc then
    add_document(add, doc, now_ms)
  end
  return lines
end


-- Sends what there is, a slice of lines at a time; nil when nobody reads it any more.
local function send(lines)
  if not lines[1] then
    return true
  end
  if not ngx.print(lines) then
    return nil
  end
  turn.pause(TURN_MS)
  return true
end


local function send_family(family, of_gauges)
  local names, lines = by_family[family] or {}, of_gauges or {}
  if not names[1] and not lines[1] then
    return true
  end
  table.insert(lines, 1, series_names.head(family))
  for i = 1, #names do
    lines[#lines + 1] = ("%s %.15g\n"):format(names[i], series_store.get(names[i]))
    if #lines >= SLICE then
      if not send(lines) then
        return nil
      end
      lines = {}
    end
  end
  return send(lines)
end


function _M.serve()
  metrics.flush()
  read_list()
  ngx.header["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
  local of_gauges = gauges()
  for _, family in ipairs(ORDER) do
    if not send_family(family, of_gauges[family]) then
      return
    end
  end
end


return _M
