-- What runs in which phase of nginx. All modules are loaded here, in the master, before there are workers: a worker that
-- is started later runs the same code as the others.

local checker = require "shell.checker"
local circuits = require "shell.circuits"
local dns = require "shell.dns"
local guard = require "shell.guard"
local keys = require "shell.keys"
local metrics = require "shell.metrics"
local slots = require "shell.slots"
local sync = require "shell.sync"

require "shell.admin"
require "shell.proxy"

local ngx = ngx

local _M = {}

local POLL_DOCUMENT_S = 0.25
local POLL_KEYS_S = 1
local CHECK_S = 0.1
local FLUSH_METRICS_S = 0.5


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


-- In the master, before there are workers.
function _M.init()
  sync.init(os.getenv("POOLKEEPER_CONFIG_DIR"), os.getenv("POOLKEEPER_RUN_DIR"))
  keys.init(os.getenv("POOLKEEPER_CREDENTIALS_DIR"), os.getenv("POOLKEEPER_CLIENTS_DIR"))
  dns.init(os.getenv("POOLKEEPER_RESOLV_CONF"), os.getenv("POOLKEEPER_HOSTS"))
  sync.start()
end


function _M.init_worker()
  math.randomseed(ngx.now() * 1000 + ngx.worker.pid())
  slots.begin_worker()
  circuits.begin_worker({ guard.CIRCUIT })
  if ngx.worker.id() == 0 then
    every(POLL_DOCUMENT_S, sync.poll)
  end
  every(POLL_KEYS_S, function()
    local doc = sync.current()
    if doc then
      keys.refresh(doc)
    end
  end)
  every(CHECK_S, checker.tick)
  every(FLUSH_METRICS_S, metrics.flush)
end


return _M
