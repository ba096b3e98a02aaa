-- What runs in which phase of nginx. All modules are loaded here, in the master, before there are workers: a worker that
-- is started later runs the same code as the others.

local health_scheduler = require "nginx.health_scheduler"
local breakers = require "nginx.endpoint.breakers"
local collector = require "nginx.shared.collector"
local compiler = require "nginx.shared.compiler"
local dns = require "nginx.upstream.dns"
local pool_breaker = require "nginx.endpoint.pool_breaker"
local pool_chain = require "nginx.request.pool_chain"
local credentials = require "nginx.endpoint.credentials"
local metrics = require "nginx.shared.metrics"
local in_flight = require "nginx.endpoint.in_flight"
local document_sync = require "nginx.document_sync"
local drain = require "nginx.drain"
local worker_health = require "nginx.shared.worker_health"

require "nginx.admin"
require "nginx.request.handler"

local ngx = ngx

local _M = {}

local POLL_DOCUMENT_S = 0.25
local POLL_KEYS_S = 1
local CHECK_S = 0.1
local FLUSH_METRICS_S = 0.5
local MEASURE_MEMORY_S = 5


local function every(interval_s, work)
  local ok, err = ngx.timer.every(interval_s, function(premature)
    if not premature then
      work()
    end
  end)
  if not ok then
    ngx.log(ngx.ERR, "starting a timer: ", err)
  end
end


local function look_at_memory()
  worker_health.measure_memory()
  collector.tune()
end


-- In the master, before there are workers.
function _M.init()
  compiler.tune()
  document_sync.init(os.getenv("POOLKEEPER_CONFIG_DIR"), os.getenv("POOLKEEPER_RUN_DIR"))
  credentials.init(os.getenv("POOLKEEPER_CREDENTIALS_DIR"), os.getenv("POOLKEEPER_CLIENTS_DIR"))
  dns.init(os.getenv("POOLKEEPER_RESOLV_CONF"), os.getenv("POOLKEEPER_HOSTS"))
  pool_chain.init()
  document_sync.start()
end


function _M.init_worker()
  math.randomseed(ngx.now() * 1000 + ngx.worker.pid())
  in_flight.begin_worker()
  breakers.begin_worker({ pool_breaker.CIRCUIT })
  if ngx.worker.id() == 0 then
    every(POLL_DOCUMENT_S, document_sync.poll)
  end
  every(POLL_KEYS_S, function()
    local doc = document_sync.current()
    if doc then
      credentials.refresh(doc)
    end
  end)
  every(CHECK_S, health_scheduler.tick)
  drain.begin_worker()
  worker_health.begin_worker()
  every(worker_health.TICK_S, worker_health.tick)
  every(MEASURE_MEMORY_S, look_at_memory)
  look_at_memory()
  every(FLUSH_METRICS_S, metrics.flush)
end


return _M
