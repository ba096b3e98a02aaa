-- One attempt on one endpoint, up to the point where the caller may be told: nothing of it is visible before the answer
-- has proved itself (a stream by its first content, anything else by being a complete JSON answer). What went wrong until
-- then comes back as a failure {class, reason, ...}; after it the answer is passed on by relay.lua.

local retry_budget = require "nginx.balancing.retry_budget"
local cjson = require "cjson.safe"
local chunk = require "core.answer.chunk"
local classify = require "core.error.classify"
local clock = require "nginx.shared.clock"
local empty = require "core.answer.empty"
local splice = require "core.answer.splice"
local stream = require "core.answer.stream"
local egress_proxy = require "nginx.upstream.egress_proxy"
local http_client = require "nginx.upstream.http_client"

local now_ms = clock.now_ms
local find = string.find
local concat = table.concat

local _M = {}

local HELD_MAX_BYTES = 8 * 1024 * 1024 -- of an answer that is no stream; a longer one is passed on as it comes
local REFUSAL_MAX_BYTES = 65536
local REFUSAL_MS = 1000 -- the words of a refusal are worth no longer wait
local NOISE_MAX_BYTES = 1024 * 1024 -- of a stream that has said nothing yet: keep-alives for a day
local EMPTY_END_MS = 1000 -- for the end of a stream that has finished without a word


local function failed(class, reason, detail)
  return nil, { class = class, reason = reason, detail = detail }
end


-- The request for an endpoint: its own host, key and model name, what the caller's headers may say, nothing else. In
-- pieces: long strings that differ in few bytes are what LuaJIT's string table is slowest at.
local function message_for(request, attempt, key)
  local endpoint = attempt.endpoint
  local place = endpoint.places[attempt.place or request.surface.name]
  local body = (attempt.parsed or request.parsed):body_for(attempt.route.quoted_name)
  return {
    "POST ", endpoint.origin, place.path, " HTTP/1.1\r\nHost: ", endpoint.authority,
    key.bearer and place.key_line or "", key.bearer and key[place.key_member] or "",
    request.forwarded, "\r\nX-Request-Id: ", request.upstream_id, "\r\nContent-Length: ", #body, "\r\n\r\n", body,
  }
end


-- Sends the request and reads the head of the answer: its status, or nil and an error.
local function exchange(conn, message, deadline_ms)
  local ok, err = conn:send(message, deadline_ms)
  if not ok then
    return nil, err
  end
  return conn:read_head(deadline_ms)
end


-- Nothing came in time. Who had less time than it may take, because others had used it up, is not to blame.
local function time_out(request, attempt, class, reason)
  local timeouts = attempt.policy.timeouts
  local had_ms = now_ms() - attempt.started_ms
  if now_ms() >= request.deadline_ms and had_ms < math.min(timeouts.first_token_ms, timeouts.request_ms) then
    return failed("Deadline", "RequestTimeout")
  end
  return failed(class, reason or class)
end


-- Connects and asks. A kept connection may have been closed by the other side while it was idle: that says nothing about
-- the endpoint, so it is asked once more, over a fresh one. It may also have closed it over this very request, so that is
-- paid for like any further attempt.
local function ask(request, attempt, key, deadline_ms)
  local message = message_for(request, attempt, key)
  while true do
    local conn, err, fault = http_client.connect(attempt.endpoint, attempt.policy.timeouts.connect_ms, deadline_ms,
                                              request.doc.allow_loopback, attempt.is_resent)
    if not conn and now_ms() >= request.deadline_ms then
      return time_out(request, attempt, fault, fault == "Connect" and "ConnectFailed" or fault)
    end
    if not conn then
      return failed(fault, fault == "Connect" and "ConnectFailed" or fault, err)
    end
    attempt.conn = conn
    attempt.is_sent = true
    local status
    status, err = exchange(conn, message, deadline_ms)
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
  end
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


local function refused(attempt, status, conn, body)
  local function header(name)
    return conn:header(name)
  end
  local failure = classify.refusal(status, header, body, attempt.endpoint.provider, clock.wall_ms())
  failure.answer = { status = status, content_type = conn:header("content-type"), body = body }
  return nil, failure
end


-- What an end of a stream before its first content means.
local function unborn(attempt, conn, kind, detail)
  if kind == chunk.ERROR then
    return refused(attempt, 200, conn, detail)
  end
  if kind == chunk.CUT then
    return failed("Busy", "Busy", detail)
  end
  return failed("Truncated", "Truncated", kind)
end


local function read_error(request, attempt, err, has_begun)
  if err ~= "timeout" then
    return failed("Truncated", "Truncated", err)
  end
  if not has_begun then
    return time_out(request, attempt, "SlowFirstToken")
  end
  if now_ms() >= request.deadline_ms then
    return failed("Deadline", "RequestTimeout")
  end
  return failed("Stalled", "Stalled")
end


-- The reader of an answer's events; of one that goes on with an answer, it is joined to what was sent.
local function events_of(request, attempt)
  local reader = request.protocol.new_reader(cjson.decode, request.choices)
  local events = stream.new(reader, request.wants_usage)
  if attempt.recovers then
    local note = ("poolkeeper: %s by %s"):format(attempt.continues and "continued" or "generated again",
                                                 attempt.endpoint.name)
    return splice.new(events, request.transcript, attempt.continues, note, cjson.decode, cjson.encode)
  end
  if request.transcript then
    reader:record_into(request.transcript)
  end
  return events
end


-- An answer that says nothing, when the caller may want something: the next endpoint is asked, and this one goes to the
-- caller when nobody says more.
local function said_nothing(conn, text)
  return nil, { class = "Empty", reason = "Empty", status = 200,
                answer = { status = 200, content_type = conn:header("content-type"), body = text } }
end


local function may_be_empty(request, attempt)
  return attempt.recovers or not request.surface.says_something or empty.may_be_wanted(request.parsed.body, cjson.decode)
end


-- The rest of a stream that has finished without a word: held, for it may go to the caller after all.
local function hold_empty(request, conn, events, held, kind)
  local deadline_ms = math.min(request.deadline_ms, now_ms() + EMPTY_END_MS)
  while not kind do
    local data, err = conn:read(deadline_ms)
    local out, _, its_kind = events:feed(data or "", not data)
    held, kind = held .. out, its_kind or err
  end
  conn:close()
  return said_nothing(conn, kind == chunk.DONE and held or held .. request.protocol.DONE_EVENT)
end


-- Holds a stream until its first content, the end of a stream without any counting as such.
local function hold_stream(request, attempt, conn, deadline_ms)
  local events = events_of(request, attempt)
  local held = ""
  while true do
    local data, err = conn:read(deadline_ms)
    if not data and err ~= "end" then
      conn:close()
      return read_error(request, attempt, err, false)
    end
    local out, progress, kind, detail = events:feed(data or "", not data)
    held = held == "" and out or held .. out
    if progress then
      if events.finished and events.reader.is_empty and not may_be_empty(request, attempt) then
        return hold_empty(request, conn, events, held, kind)
      end
      return { status = 200, content_type = conn:header("content-type"), held = held, events = events,
               conn = conn, ended = kind, detail = detail }
    end
    if kind or not data then
      conn:close()
      return unborn(attempt, conn, kind, detail)
    end
    if #held > NOISE_MAX_BYTES then
      conn:close()
      return failed("SlowFirstToken", "SlowFirstToken", "a megabyte without content")
    end
  end
end


local function check_whole(request, attempt, conn, body)
  local is_answer, cut, usage = request.protocol.read_whole(body, cjson.decode, request.surface.member)
  if not is_answer then
    if body == "" or not cjson.decode(body) then
      return failed("Truncated", "Truncated", "no complete JSON")
    end
    return refused(attempt, 200, conn, cut or body)
  end
  if cut then
    return failed("Truncated", "Truncated", cut)
  end
  if request.surface.says_something and empty.is_whole(body, cjson.decode) and not may_be_empty(request, attempt) then
    return said_nothing(conn, body)
  end
  return { status = 200, content_type = conn:header("content-type"), held = body, usage = usage }
end


-- Holds an answer that is no stream until it is complete. Blank lines before it are the provider's way to say "wait" and
-- move no deadline; one that is too long to hold is passed on as it comes.
local function hold_whole(request, attempt, conn, deadline_ms)
  local parts, count, size, blank, progress = {}, 0, 0, true, false
  while true do
    local data, err = conn:read(deadline_ms)
    if not data then
      if err ~= "end" then
        conn:close()
        return read_error(request, attempt, err, not blank)
      end
      conn:finish()
      return check_whole(request, attempt, conn, count == 1 and parts[1] or concat(parts))
    end
    if blank then
      local from = find(data, "%S")
      if from then
        blank = false
        attempt.first_byte_ms = now_ms()
        data = from == 1 and data or data:sub(from)
      end
    end
    if not blank then
      count = count + 1
      parts[count] = data
      size = size + #data
      progress = find(data, "%S") ~= nil
    end
    if progress then
      deadline_ms = math.min(request.deadline_ms, now_ms() + attempt.policy.timeouts.inter_token_ms)
    elseif size > HELD_MAX_BYTES then
      conn:close()
      return failed("Stalled", "Stalled", "blanks without end")
    end
    if size > HELD_MAX_BYTES then
      return { status = 200, content_type = conn:header("content-type"), held = concat(parts), conn = conn }
    end
  end
end


-- Runs it. An answer {status, content_type, held, and while there is more to come conn, for a stream events} or nil and
-- the failure. attempt.conn is there as long as the connection is open.
function _M.run(request, attempt, key)
  local timeouts = attempt.policy.timeouts
  local deadline_ms = math.min(attempt.started_ms + timeouts.first_token_ms, request.deadline_ms)
  local conn, status = ask(request, attempt, key, deadline_ms)
  if not conn then
    return nil, status
  end
  if status ~= 200 and egress_proxy.is_proxys_own(attempt.endpoint, status, conn) then
    conn:close()
    attempt.conn = nil
    return failed("ProxyFailed", "ProxyFailed", "the proxy answered " .. status)
  end
  if status ~= 200 then
    return refused(attempt, status, conn, read_refusal(conn, deadline_ms))
  end
  local content_type = conn:header("content-type") or ""
  local answer, failure
  if find(content_type, "text/event-stream", 1, true) then
    answer, failure = hold_stream(request, attempt, conn, deadline_ms)
  else
    answer, failure = hold_whole(request, attempt, conn, deadline_ms)
  end
  if not answer or not answer.conn then
    attempt.conn = nil
  end
  return answer, failure
end


return _M
