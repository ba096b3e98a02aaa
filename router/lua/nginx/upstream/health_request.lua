-- One health check of one endpoint: sends its questions the way requests are sent (same key, same addresses, same TLS,
-- same kept connections, same proxy on the way) and gives the result. It has until deadline_ms for all of it.

local check_types = require "core.health.check_types"
local cjson = require "cjson.safe"
local clock = require "nginx.shared.clock"
local connect_fault = require "core.health.connect_fault"
local scan = require "core.json.scan"
local egress_proxy = require "nginx.upstream.egress_proxy"
local http_client = require "nginx.upstream.http_client"

local now_ms = clock.now_ms

local _M = {}

local ONE_TOKEN = ',"messages":[{"role":"user","content":"ping"}],"max_tokens":1,"stream":false}'
local COMPLETION_LINES = "\r\nContent-Type: application/json\r\nX-Poolkeeper-Check: completion\r\nContent-Length: "
-- Only a fresh connection proves that one can be made: the checks that only connect share none with requests.
local APART = "|check"


local function message_for(endpoint, question, key)
  local body = question.generates and '{"model":' .. scan.quote(endpoint.upstream_names[1]) .. ONE_TOKEN or ""
  return {
    question.generates and "POST " or "GET ", endpoint.origin, check_types.path(question, endpoint.path), " HTTP/1.1",
    "\r\nHost: ", endpoint.authority, "\r\nUser-Agent: poolkeeper-health-check\r\nAccept: application/json",
    key.bearer and "\r\nAuthorization: " or "", key.bearer or "",
    question.generates and COMPLETION_LINES .. #body or "", "\r\n\r\n", body,
  }
end


-- Sends a question and reads the head of its answer; nil, why not, and what that is where there was no connection. A
-- kept connection that was closed meanwhile proves nothing.
local function ask(endpoint, message, deadline_ms, allow_loopback)
  while true do
    local conn, err, fault = http_client.connect(endpoint, endpoint.policy.timeouts.connect_ms, deadline_ms,
                                                 allow_loopback)
    if not conn then
      return nil, err, connect_fault.of(err, fault)
    end
    local ok, status
    ok, err = conn:send(message, deadline_ms)
    if ok then
      status, err = conn:read_head(deadline_ms)
    end
    if status then
      return conn, status
    end
    conn:close()
    if err == "timeout" or not conn.reused then
      return nil, err
    end
  end
end


local function put(endpoint, question, key, deadline_ms, allow_loopback)
  local conn, status, fault = ask(endpoint, message_for(endpoint, question, key), deadline_ms, allow_loopback)
  if not conn then
    return { result = fault or status == "timeout" and "TimedOut" or "ConnectFailed" }
  end
  if egress_proxy.is_proxys_own(endpoint, status, conn) then
    conn:close()
    return { result = "ProxyFailed" }
  end
  local text, is_whole = conn:read_body(question.body_bytes, deadline_ms)
  if not text then
    return { result = is_whole == "timeout" and "TimedOut" or "Truncated" }
  end
  return check_types.finding(question, status, text, is_whole, endpoint, cjson.decode)
end


local function only_connect(endpoint, deadline_ms, allow_loopback)
  local apart = setmetatable({ id = endpoint.id .. APART, pools = {} }, { __index = endpoint })
  local conn, err, fault = http_client.connect(apart, apart.policy.timeouts.connect_ms, deadline_ms, allow_loopback)
  if not conn then
    return { result = connect_fault.of(err, fault) }
  end
  conn:close()
  return { result = "Passed", proves = {} }
end


-- The `finding` on an endpoint, as core/health/check_types.lua has it.
function _M.run(endpoint, key, deadline_ms, allow_loopback)
  local finding
  if not endpoint.questions[1] then
    finding = only_connect(endpoint, deadline_ms, allow_loopback)
  end
  for _, question in ipairs(endpoint.questions) do
    finding = check_types.and_then(finding, put(endpoint, question, key, deadline_ms, allow_loopback))
    if not check_types.is_good(finding) then
      break
    end
  end
  return now_ms() > deadline_ms and { result = "TimedOut" } or finding
end


return _M
