-- Pools in front of pools. Of a request that has come through another pool: which, and an end where it goes in a circle.
-- Of an endpoint that is a pool: what it says of its answers, and who pays for its attempts. docs/adr/0045-pool-of-pools.md.

local hops = require "core.request.hops"
local retry_budget = require "nginx.balancing.retry_budget"

local ngx = ngx
local tonumber = tonumber

local _M = {}

local HEADER = "x-poolkeeper-pools"
local PASSED_ON = { "x-poolkeeper-repaired", "x-poolkeeper-context-trimmed", "x-poolkeeper-fallback" }
local VALUE_MAX_BYTES = 128
local ATTEMPTS_MAX = 100 -- no router makes more; a number from outside

local process_id -- where the document names no pool


-- In the master: one for all workers.
function _M.init()
  local file = assert(io.open("/dev/urandom", "rb"))
  process_id = file:read(8):gsub(".", function(char)
    return ("%02x"):format(char:byte())
  end)
  file:close()
end


local function id_of(doc)
  return doc.id or process_id
end


-- Sets request.pools: those it has come through, nil: none. Gives whether it goes in a circle.
function _M.begin(request)
  local loops
  request.pools, loops = hops.of(request.client_headers[HEADER], id_of(request.doc))
  return loops
end


-- The lines for an endpoint that is a pool.
function _M.lines(request)
  return "\r\nX-Poolkeeper-Pools: " .. hops.with(request.pools, id_of(request.doc))
end


local function said(conn, name)
  local value = conn:header(name)
  return value and #value <= VALUE_MAX_BYTES and value:find("^[%w%-_.:;,= ]+$") and value or nil
end


-- What a pool says of its answer; attempts: at its own endpoints.
function _M.inner_of(conn)
  local attempts = tonumber(said(conn, "x-poolkeeper-attempts"))
  local inner = { endpoint = said(conn, "x-poolkeeper-endpoint"), tier = said(conn, "x-poolkeeper-tier"),
                 attempts = attempts and attempts >= 0 and math.min(attempts, ATTEMPTS_MAX) or 0 }
  for _, name in ipairs(PASSED_ON) do
    inner[name] = said(conn, name)
  end
  return inner
end


-- After a failure at a pool. The retry budget is one for all pools of a chain: a pool that has asked several of its
-- endpoints in vain has spent ours; one that refused and asked none has cost nobody anything.
function _M.charge(attempt)
  local inner = attempt.inner
  if inner then
    attempt.is_sent = inner.attempts > 0
    retry_budget.retries:owe(inner.attempts - 1)
  end
end


-- The headers of an answer that came from a pool.
function _M.mark(inner)
  local headers = ngx.header
  for _, name in ipairs(PASSED_ON) do
    if inner[name] then
      headers[name] = inner[name]
    end
  end
  if inner.endpoint then
    headers["x-poolkeeper-inner"] = ("%s; tier %s; attempts %d"):format(inner.endpoint, inner.tier or "-", inner.attempts)
  end
end


return _M
