-- How a router ends without breaking a request: while somebody waits for GET /drain on the admin port, each answer says
-- `Connection: close`, so that callers go elsewhere by themselves. nginx's own graceful end (SIGQUIT) closes kept
-- connections at once and unannounced, perhaps in the moment in which a caller sends its next request; so it comes after.
--
-- Requests are served all the time: a /drain that is held open by mistake only makes callers connect again.

local clock = require "nginx.shared.clock"
local drained = require "core.http.drained"
local encode = require "core.json.encode"
local respond = require "nginx.shared.respond"
local state = require "nginx.shared.state"

local ngx = ngx

local _M = {}

local TICK_S = 0.1
local LEASE_MS = 1000 -- a drain whose worker was killed is over
local UNTIL, ASKED, NEW, WAITING = "drain:until", "drain:asked", "drain:new", "drain:waiting"

local is_on = false


local function look(has_ended)
  is_on = has_ended or state.counted(UNTIL) > clock.now_ms()
end


-- In each worker. nginx says has_ended when the worker has begun to end, and then no more: answers that are still given say
-- so, too.
function _M.begin_worker()
  local ok, err = ngx.timer.every(TICK_S, look)
  if not ok then
    ngx.log(ngx.ERR, "starting a timer: ", err)
  end
end


-- Must answers say that their connection closes?
function _M.is_on()
  return is_on
end


-- A request whose answer says so.
function _M.note_request()
  local now_ms = clock.now_ms()
  state.note(ASKED, now_ms)
  if ngx.var.connection_requests == "1" then
    state.note(NEW, now_ms)
  end
end


-- Connections with a request and without; nginx counts those of all workers and both ports. Each drain that waits has one.
local function connections()
  local active, kept = tonumber(ngx.var.connections_active), tonumber(ngx.var.connections_waiting)
  if not active or not kept then
    return 0, 1 -- an nginx that was built without counting them: as if there were always kept ones
  end
  return active - kept - state.counted(WAITING), kept
end


local function wait(wanted)
  local began_ms = clock.now_ms()
  local used_ms = began_ms
  while true do
    local now_ms = clock.now_ms()
    state.note(UNTIL, now_ms + LEASE_MS)
    local busy, kept = connections()
    used_ms = busy > 0 and now_ms or math.max(used_ms, state.counted(ASKED))
    local seen = {
      waited_ms = now_ms - began_ms, used_ms = now_ms - used_ms, busy = busy, kept = kept,
      new_ms = now_ms - math.max(began_ms, state.counted(NEW)),
    }
    if drained.is_over(seen, wanted) then
      return seen
    end
    ngx.sleep(TICK_S)
  end
end


-- GET /drain: answers when this router may end.
function _M.serve()
  local wanted, err = drained.wanted(ngx.req.get_uri_args(10))
  if not wanted then
    return respond.json(400, encode.encode({ message = err }))
  end
  ngx.ctx.waits = true
  state.count(WAITING, 1)
  local seen = wait(wanted)
  return respond.json(200, encode.encode({ drained = seen.busy <= 0, waitedMs = seen.waited_ms, inFlight = seen.busy,
                                           kept = seen.kept }))
end


-- The log phase, however it ended.
function _M.finish()
  if ngx.ctx.waits then
    state.count(WAITING, -1)
  end
end


return _M
