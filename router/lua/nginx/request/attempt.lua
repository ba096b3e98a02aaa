-- One attempt on one endpoint, up to the point where something may be sent to the caller: nothing of it is visible before
-- the answer has proved itself (a stream by its first content, anything else by being a complete JSON answer). A failure
-- until then comes back as {class, reason, ...}; after that relay.lua passes the answer on.

local addition_refusals = require "nginx.endpoint.addition_refusals"
local attempt_failure = require "nginx.request.attempt_failure"
local cjson = require "cjson.safe"
local clock = require "nginx.shared.clock"
local connect_fault = require "core.health.connect_fault"
local egress_proxy = require "nginx.upstream.egress_proxy"
local headers = require "core.request.headers"
local held_answer = require "nginx.request.held_answer"
local http_client = require "nginx.upstream.http_client"
local offers = require "nginx.balancing.offers"
local parameters = require "core.request.parameters"
local pool_chain = require "nginx.request.pool_chain"
local patience = require "core.request.patience"
local redaction = require "core.error.redaction"
local refused_addition = require "core.error.refused_addition"
local request_log = require "nginx.request.request_log"
local retry_budget = require "nginx.balancing.retry_budget"
local turn = require "nginx.shared.turn"

local ngx = ngx
local now_ms = clock.now_ms
local failed, refused, time_out = attempt_failure.failed, attempt_failure.refused, attempt_failure.time_out

local _M = {}

-- Of a list with constants in it, LuaJIT makes a list with members beside it.
local POST, HOST, ID, LENGTH = "POST ", " HTTP/1.1\r\nHost: ", "\r\nX-Request-Id: ", "\r\nContent-Length: "
local END, NOTHING = "\r\n\r\n", ""
local REFUSAL_MAX_BYTES = 65536
local REFUSAL_MS = 1000 -- the words of a refusal are worth no longer wait


-- The request for an endpoint: its own host, key and model name, what the caller's headers may say, nothing else. In
-- pieces: long strings that differ in few bytes are what LuaJIT's string table is slowest at.
local function message_for(request, attempt, key)
  local endpoint = attempt.endpoint
  local place = endpoint.places[attempt.place or request.surface.name]
  if request.is_beta and not attempt.place and endpoint.places.prefix then
    place = endpoint.places.prefix
  end
  local body = (attempt.parsed or request.parsed):body_for(attempt.route.quoted_name, attempt.is_plain, attempt.assembles)
  local rules = attempt.route.parameters
  if rules then
    body = parameters.apply(rules[request.surface.name], body, cjson.decode, turn.pause)
  end
  local own = endpoint.own_headers
  local forwarded = own and headers.with_own(request.forwarded, own) or request.forwarded
  local id = request.upstream_id
  if endpoint.is_pool then
    forwarded, id = forwarded .. pool_chain.lines(request), request.id
  end
  if request.is_traced then
    forwarded = request_log.with_trace(request, attempt, forwarded)
  end
  return {
    POST, endpoint.origin, place.path, request.query, HOST, endpoint.authority,
    key.bearer and place.key_line or NOTHING, key.bearer and key[place.key_member] or NOTHING,
    forwarded, ID, id, LENGTH, #body, END, body,
  }
end


-- Connects and sends. The provider may have closed a kept connection while it was idle: that says nothing about the
-- endpoint, so the request is sent once more, over a fresh one. It may also have closed it because of this very request,
-- so the second try is paid for like any further attempt.
local function ask(request, attempt, message, sent_by_ms, deadline_ms)
  local conn, err, fault = http_client.connect(attempt.endpoint, attempt.policy.timeouts.connect_ms, deadline_ms,
                                            request.doc.allow_loopback, attempt.is_resent)
  if not conn and now_ms() >= request.deadline_ms then
    return time_out(request, attempt, fault, connect_fault.of(err, fault))
  end
  if not conn then
    return failed(fault, connect_fault.of(err, fault), err)
  end
  attempt.conn = conn
  attempt.is_sent = true
  local status
  status, err = conn:exchange(message, sent_by_ms, deadline_ms, attempt.is_raced)
  if status then
    return conn, status
  end
  conn:close()
  attempt.conn = nil
  if err == "timeout" then
    return time_out(request, attempt, "SlowFirstToken")
  end
  if not (conn.reused and conn:is_silent()) or attempt.is_resent or not retry_budget.retries:withdraw() then
    return failed("Connect", "ConnectFailed", err)
  end
  attempt.is_resent, request.has_paid = true, true
  return ask(request, attempt, message, sent_by_ms, deadline_ms)
end


-- The words of a refusal, as far as they come.
local function read_refusal(conn, deadline_ms)
  local text, until_ms = "", math.min(deadline_ms, now_ms() + REFUSAL_MS)
  while #text < REFUSAL_MAX_BYTES do
    local data = conn:read(until_ms)
    if not data then
      break
    end
    text = text .. data
  end
  conn:finish()
  return text
end


-- One exchange: the answer, or nil and the failure.
local function exchanged(request, attempt, key, deadline_ms)
  local message = message_for(request, attempt, key)
  local sent_by_ms = math.min(attempt.started_ms + attempt.policy.timeouts.first_token_ms, deadline_ms)
  local conn, status = ask(request, attempt, message, sent_by_ms, deadline_ms)
  if not conn then
    return nil, status
  end
  attempt.status = status
  if status ~= 200 and egress_proxy.is_proxys_own(attempt.endpoint, status, conn) then
    conn:close()
    attempt.conn = nil
    return failed("ProxyFailed", "ProxyFailed", "the proxy answered " .. status)
  end
  if attempt.endpoint.is_pool then
    attempt.inner = pool_chain.inner_of(conn)
  end
  attempt.has_begun = status < 300
  if status >= 300 then
    return refused(attempt, status, conn, read_refusal(conn, deadline_ms))
  end
  local answer, failure = held_answer.of(request, attempt, conn, deadline_ms)
  if not answer or not answer.conn then
    attempt.conn = nil
  end
  return answer, failure
end


-- The same; what the endpoint says of a failure may name the key that it was sent, and goes on without it.
local function try(request, attempt, key, deadline_ms)
  local answer, failure = exchanged(request, attempt, key, deadline_ms)
  if failure and failure.answer then
    key.forms = key.forms or redaction.forms(key.value or "", ngx.encode_base64)
    failure.answer.body = redaction.hide(failure.answer.body or "", key.forms)
  end
  return answer, failure
end


-- How long it may take to its first content (core/request/patience.lua). A caller of a whole answer sees none: while no
-- other endpoint could answer, it may take as long as the request.
local function patience_ms(request, attempt)
  local is_stream, left_ms = attempt.is_stream, nil
  if not request.parsed.stream then
    if request.attempts - request.key_faults < request.doc.policy.retry.max_attempts
        and offers.has_another(request, attempt.endpoint, attempt.started_ms) then
      left_ms = request.deadline_ms - attempt.started_ms
    else
      is_stream = false
    end
  end
  return patience.ms(attempt.policy.timeouts, is_stream, left_ms)
end


-- What of the router's own additions a refusal may mean: a stream for a whole answer, or the usage of a stream; nil: none.
local function refused_one(attempt, parsed, failure)
  if attempt.assembles then
    return (refused_addition.may_be_stream(failure)
            or parsed.adds_usage and refused_addition.may_be(failure, parsed.members))
      and addition_refusals.stream_of(attempt.asked)
  end
  return attempt.is_stream and parsed.adds_usage and not attempt.is_plain
    and refused_addition.may_be(failure, parsed.members) and addition_refusals.USAGE
end


-- As the caller wrote it.
local function without(attempt, addition)
  if addition == addition_refusals.USAGE then
    attempt.is_plain = true
  else
    attempt.assembles, attempt.is_stream = false, false
  end
end


-- Runs it. An answer {status, content_type, held, and while there is more to come conn, for a stream events} or nil and
-- the failure. attempt.conn exists as long as the connection is open. A provider that refuses what the router added, and
-- the caller did not ask for, gets the request again without it.
function _M.run(request, attempt, key)
  local parsed = attempt.parsed or request.parsed
  if request.parsed.stream and parsed.adds_usage
      and addition_refusals.is_known(attempt.endpoint, addition_refusals.USAGE) then
    attempt.is_plain = true
  end
  attempt.patience_ms = patience_ms(request, attempt)
  local deadline_ms = math.min(attempt.started_ms + attempt.patience_ms, request.deadline_ms)
  local answer, failure = try(request, attempt, key, deadline_ms)
  local addition = not answer and refused_one(attempt, parsed, failure)
  if not addition then
    return answer, failure
  end
  without(attempt, addition)
  attempt.patience_ms = patience_ms(request, attempt)
  deadline_ms = math.min(attempt.started_ms + attempt.patience_ms, request.deadline_ms)
  answer, failure = try(request, attempt, key, deadline_ms)
  if answer then
    addition_refusals.note(attempt.endpoint, addition)
  end
  return answer, failure
end


return _M
