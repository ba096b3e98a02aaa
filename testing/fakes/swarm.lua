-- Many providers in one nginx, for tests that need tens of thousands of attempts. Each plays its plan (words of PLAYS, one
-- drawn a request), and counts: how often it was asked, with which key, how many requests it had at once.

local cjson = require "cjson.safe"

local ngx = ngx
local counts = ngx.shared.swarm
local plans = ngx.shared.swarm_plans

local _M = {}

local WHOLE = '{"id":"1","object":"chat.completion","model":"m","choices":[{"index":0,"message":'
  .. '{"role":"assistant","content":"one two three"},"finish_reason":"stop"}]}'
local EVENT = 'data: {"id":"1","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n'
local LEAVING = "LEAVING" -- in a prompt: its caller may go at any time, so when it went is nothing to count
local LATE_S = 1


local function say(status, body, headers)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Content-Length"] = #body
  for name, value in pairs(headers or {}) do
    ngx.header[name] = value
  end
  ngx.print(body)
end


local function say_events(upto)
  ngx.header["Content-Type"] = "text/event-stream"
  for i = 1, upto do
    ngx.print(EVENT:format(('{"content":"%d "}'):format(i), "null"))
    ngx.flush(true)
    ngx.sleep(0.001)
  end
end


local PLAYS = {}

function PLAYS.ok(is_stream)
  if not is_stream then
    return say(200, WHOLE)
  end
  say_events(3)
  ngx.print(EVENT:format("{}", '"stop"'), "data: [DONE]\n\n")
end

function PLAYS.cut(is_stream)
  if is_stream then
    say_events(2)
    return ngx.exit(ngx.ERROR)
  end
  ngx.header["Content-Length"] = #WHOLE
  ngx.print(WHOLE:sub(1, 40))
  ngx.flush(true)
  return ngx.exit(ngx.ERROR)
end

function PLAYS.busy() say(503, '{"error":{"message":"Service is too busy."}}') end
function PLAYS.busy200() say(200, '{"error":{"message":"Service is too busy."}}') end
function PLAYS.error500() say(500, '{"error":{"message":"oops"}}') end
function PLAYS.html() say(502, "<html>bad gateway</html>", { ["Content-Type"] = "text/html" }) end
function PLAYS.limit() say(429, '{"error":{"message":"slow down"}}', { ["retry-after-ms"] = "20" }) end
function PLAYS.empty() say(200, "") end
function PLAYS.hangup() return ngx.exit(444) end

local function released(ctx)
  if ctx.counted then
    ctx.counted = false
    counts:incr(ctx.name .. " in_flight", -1)
  end
end

-- Its caller leaves first, and when that is known here is nothing to count.
function PLAYS.late()
  released(ngx.ctx)
  ngx.sleep(LATE_S)
  return ngx.exit(444)
end


local function drawn(name)
  local words = {}
  for word in (plans:get(name) or "ok"):gmatch("%w+") do
    words[#words + 1] = word
  end
  return PLAYS[words[math.random(#words)]]
end


local function count_in(ctx, name)
  ctx.name, ctx.counted = name, true
  local now = counts:incr(name .. " in_flight", 1, 0)
  if now > (counts:get(name .. " most_in_flight") or 0) then
    counts:set(name .. " most_in_flight", now)
  end
end


function _M.serve(name)
  ngx.req.read_body()
  local body = ngx.req.get_body_data() or ""
  counts:incr(name .. " asked", 1, 0)
  if ngx.var.http_authorization ~= "Bearer sk-" .. name or not body:find('"' .. name .. '-model"', 1, true) then
    counts:incr(name .. " strange", 1, 0)
  end
  if not body:find(LEAVING, 1, true) then
    count_in(ngx.ctx, name)
  end
  return drawn(name)(body:find('"stream":true', 1, true) ~= nil)
end


function _M.finish()
  released(ngx.ctx)
end


-- What was counted: provider -> what -> how often.
function _M.counts()
  local found = {}
  for _, key in ipairs(counts:get_keys(0)) do
    local name, what = key:match("^(%S+) (%S+)$")
    found[name] = found[name] or {}
    found[name][what] = counts:get(key)
  end
  say(200, cjson.encode(found))
end


function _M.plan(name)
  ngx.req.read_body()
  plans:set(name, ngx.req.get_body_data())
  say(200, "{}")
end


return _M
