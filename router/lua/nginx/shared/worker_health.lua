-- What each worker measures of itself: how late its timers are, which is how long a task held it; its memory; restarts.

local clock = require "nginx.shared.clock"
local metrics = require "nginx.shared.metrics"
local series_store = require "nginx.shared.series_store"
local state = require "nginx.shared.state"

local ngx = ngx

local _M = {}

local PAGE_BYTES = 4096
local TICK_MS = 100
local EVER = "workers:"

_M.TICK_S = TICK_MS / 1000

local expected_ms, lag


function _M.begin_worker()
  local key = EVER .. ngx.worker.id()
  if state.count(key, 1) > 1 then
    metrics.count("poolkeeper_worker_restarts_total")
  end
  state.begin_count(EVER .. "since_ms", clock.wall_ms())
  lag = metrics.histogram("poolkeeper_event_loop_lag_seconds")
end


-- Since when this router counts.
function _M.since_ms()
  return state.counted(EVER .. "since_ms")
end


function _M.tick()
  local now_ms = clock.now_ms()
  if expected_ms then
    metrics.observe(lag, math.max(0, now_ms - expected_ms) / 1000)
  end
  expected_ms = now_ms + TICK_MS
end


function _M.measure_memory()
  local file = io.open("/proc/self/statm")
  local pages = file and tonumber((file:read("*l") or ""):match("^%d+ (%d+)"))
  if file then
    file:close()
  end
  if pages then
    series_store.set(metrics.series("poolkeeper_worker_memory_bytes", ngx.worker.id()), pages * PAGE_BYTES)
  end
end


return _M
