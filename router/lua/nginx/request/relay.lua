-- An answer on its way to the caller, once it has proved itself: what was held, then the rest as it comes, in the time
-- slice it came in (client_write.lua). An answer that breaks now is never ended as if it were whole.

local chunk = require "core.answer.chunk"
local clock = require "nginx.shared.clock"
local end_wait = require "core.answer.end_wait"
local media_type = require "core.answer.media_type"
local pace = require "core.answer.pace"
local client_write = require "nginx.request.client_write"
local debug_header = require "nginx.request.debug_header"
local pool_chain = require "nginx.request.pool_chain"
local respond = require "nginx.shared.respond"
local splice = require "core.recovery.splice"

local ngx = ngx
local now_ms = clock.now_ms
local pass_on = client_write.pass_on

local _M = {}

local BEAT_MS = 1000


local function cut(class, detail)
  return { class = class, reason = class, detail = detail }
end


-- The state of a stream after an event kind or a read error; nil when it continues. {class = nil} is a good end.
local function end_of(answer, request, kind, detail, err)
  local finished = answer.events.finished
  if kind == splice.DIFFERS then
    return { class = "Incompatible", reason = "Incompatible", detail = detail, differs = true }
  end
  if kind == chunk.DONE or finished and (kind or err) then
    return { is_done = kind == chunk.DONE }
  end
  if kind then
    return cut("Truncated", kind == chunk.CUT and detail or kind)
  end
  if err == "timeout" then
    return now_ms() >= request.deadline_ms and cut("Deadline") or cut("Stalled")
  end
  return err and cut("Truncated", err) or nil
end


-- While another endpoint repeats what the caller has, he gets a sign of life every second, so that he does not give up.
local function with_beat(events, out, spoke_ms)
  if not spoke_ms or out == "" and now_ms() - spoke_ms < BEAT_MS then
    return out, spoke_ms
  end
  return out == "" and events:beat() or out, now_ms()
end


-- Sends a stream on by take(request, text), which gives nil to end it. Gives {is_done} or the failure {class, detail}; nil
-- when it was ended: the caller is gone.
local function pump(request, attempt, answer, take)
  local conn, events = answer.conn, answer.events
  local declared_ms = attempt.policy.timeouts.inter_token_ms
  local its_pace, inter_token_ms = request.doc.policy.streaming.stall == "Adaptive" and pace.new(), declared_ms
  local out, kind, detail, err = answer.held, answer.ended, answer.detail, nil
  local progress, deadline_ms, is_accounted = true, nil, nil
  local spoke_ms = events.beat and now_ms()
  while true do
    out, spoke_ms = with_beat(events, out, spoke_ms)
    if not take(request, out) then
      return nil
    end
    local ended = end_of(answer, request, kind, detail, err)
    if ended then
      return ended
    end
    if progress and its_pace then
      inter_token_ms = math.min(declared_ms, its_pace:moved(now_ms()) or declared_ms)
    end
    if progress or events.reader.is_accounted ~= is_accounted then
      is_accounted = events.reader.is_accounted
      local wait_ms = events.finished and end_wait.ms(events, request, inter_token_ms) or inter_token_ms
      deadline_ms = math.min(request.deadline_ms, now_ms() + wait_ms)
    end
    local data
    data, err = conn:read(deadline_ms)
    if data then
      out, progress, kind, detail = events:feed(data, false)
    else
      out, progress, kind, detail = events:feed("", true)
      err = kind == nil and err or nil
    end
  end
end

_M.pump = pump


-- After a good end: the connection may be kept.
function _M.finish(attempt, answer, ended)
  if not ended.is_done then
    answer.conn:close()
  elseif answer.conn then
    answer.conn:finish_stream()
  end
  attempt.conn = nil
end


local texts = {} -- of small numbers

local function as_text(number)
  texts[number] = texts[number] or tostring(number)
  return texts[number]
end


local function start(answer, request, attempt)
  local headers = ngx.header
  if answer.status ~= 200 then
    ngx.status = answer.status
  end
  headers["Content-Type"] = media_type.of(answer.content_type)
  headers["x-poolkeeper-endpoint"] = attempt.endpoint.name
  headers["x-poolkeeper-tier"] = as_text(attempt.endpoint.tier)
  headers["x-poolkeeper-attempts"] = as_text(request.attempts)
  if answer.processing_ms then
    headers["openai-processing-ms"] = answer.processing_ms
  end
  respond.identify(request)
  debug_header.mark(request, attempt)
  if attempt.inner then
    pool_chain.mark(attempt.inner)
  end
  if request.is_degraded then
    headers["x-poolkeeper-fallback"] = "degraded"
  end
  if request.repaired then
    headers["x-poolkeeper-repaired"] = request.repaired
  end
  if request.trimmed_turns then
    headers["x-poolkeeper-context-trimmed"] = request.trimmed_turns
  end
end

_M.start = start


-- What happens when an answer breaks under way: the stream ends with an error for the caller, and the connection is
-- closed without the end of the body, so that even a client that reads no events notices.
function _M.give_up(request, failure)
  local code = failure.class == "Deadline" and "deadline_exceeded" or "stream_truncated"
  local message = failure.class == "Deadline" and "The answer took longer than the request's time limit."
    or "The answer broke off before its end."
  pass_on(request, request.protocol.error_event(message, code))
end


-- A stream, or what another endpoint has to add to it: nil after a good end, the failure after a bad one, "gone" when the
-- caller went.
function _M.stream(request, attempt, answer)
  if not attempt.recovers then
    start(answer, request, attempt)
    client_write.announce_stream(answer.content_type)
  end
  local ended = pump(request, attempt, answer, pass_on)
  if not ended then
    return "gone"
  end
  if ended.class then
    return ended
  end
  if not ended.is_done then
    pass_on(request, request.protocol.DONE_EVENT)
  end
  _M.finish(attempt, answer, ended)
end


-- An answer that is no stream and is all here.
function _M.whole(request, attempt, answer)
  start(answer, request, attempt)
  ngx.header["Content-Length"] = #answer.held
  ngx.print(answer.held)
end


-- An answer that is no stream and too long to hold; results as for a stream.
function _M.long(request, attempt, answer)
  request.transcript = nil -- no stream, whatever was requested: no endpoint can continue it
  start(answer, request, attempt)
  local conn, out, deadline_ms = answer.conn, answer.held, 0
  while true do
    if not pass_on(request, out) then
      return "gone"
    end
    if out:find("%S") then
      deadline_ms = math.min(request.deadline_ms, now_ms() + attempt.policy.timeouts.inter_token_ms)
    end
    local data, err = conn:read(deadline_ms)
    if err == "end" then
      conn:finish()
      attempt.conn = nil
      return nil
    end
    if not data then
      return cut(err == "timeout" and "Stalled" or "Truncated", err)
    end
    out = data
  end
end


return _M
