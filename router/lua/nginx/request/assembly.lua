-- A stream whose caller wants a whole answer, put together: one that the router asked for (nginx/balancing/asked_form.lua),
-- or that came unasked. The caller gets nothing before it is whole. So where one that was asked for breaks off and no
-- endpoint can continue it, the request is sent again as if it had not begun.

local addition_refusals = require "nginx.endpoint.addition_refusals"
local attempt_failure = require "nginx.request.attempt_failure"
local chunk = require "core.answer.chunk"
local cjson = require "cjson.safe"
local clock = require "nginx.shared.clock"
local empty = require "core.answer.empty"
local end_wait = require "core.answer.end_wait"
local relay = require "nginx.request.relay"
local sketch = require "core.json.sketch"
local stream = require "core.answer.stream"
local turn = require "nginx.shared.turn"

local now_ms = clock.now_ms
local failed, unread = attempt_failure.failed, attempt_failure.unread

local _M = {}

local ANSWER_MAX_BYTES = 8 * 1024 * 1024 -- of what is kept: the texts, not the events around them


local function new(request, attempt)
  local dialect = { surface = request.surface.name, provider = attempt.endpoint.provider }
  return request.protocol.new_assembly(cjson.decode, dialect)
end


-- The events of a complete stream as a whole answer; nil when they are none.
function _M.of(request, attempt, text)
  local assembly = new(request, attempt)
  assembly:add(text)
  return assembly:whole()
end


-- A stream that was not asked for: read to its end and put together. Gives the whole answer.
function _M.read(request, attempt, conn, start, deadline_ms)
  local events = stream.new(request.protocol.new_reader(cjson.decode, request.choices), true)
  local put_together, has_begun, data, err = new(request, attempt), false, start, nil
  attempt.reader = events.reader
  while true do
    local out, progress, kind, detail = events:feed(data or "", not data)
    has_begun = has_begun or progress
    put_together:add(out)
    if kind and not (kind == chunk.DONE or events.finished) then
      conn:close()
      return attempt_failure.unborn(attempt, conn, kind, detail)
    elseif kind == chunk.DONE then
      conn:finish_stream()
      return put_together:whole() or ""
    elseif kind or not data and events.finished then
      conn:close()
      return put_together:whole() or ""
    elseif not data then
      conn:close()
      return unread(request, attempt, err, has_begun)
    elseif put_together.size > ANSWER_MAX_BYTES then
      conn:close()
      return failed("Truncated", "Truncated", "a stream that is too long to be put together")
    end
    if progress then
      local wait_ms = events.finished and end_wait.ms(events, request) or attempt.policy.timeouts.inter_token_ms
      deadline_ms = math.min(request.deadline_ms, now_ms() + wait_ms)
    end
    data, err = conn:read(deadline_ms)
  end
end


-- Adds a stream, or what another endpoint has to add to it: gives nil once the answer is whole and sent, else the failure.
function _M.pass_on(request, attempt, answer)
  request.assembly = request.assembly or new(request, attempt)
  local assembly = request.assembly
  local ended = relay.pump(request, attempt, answer, function(_, text)
    assembly:add(text)
    return assembly.size <= ANSWER_MAX_BYTES
  end)
  if not ended then
    request.is_asked_whole = true
    return { class = "Incompatible", reason = "Incompatible", detail = "the answer is too long to be put together" }
  elseif ended.class then
    return ended
  end
  local body, usage = assembly:whole(), answer.events.reader.usage
  if not body then
    return { class = "ServerError", reason = "InvalidAnswer", detail = "a stream that is no answer" }
  end
  if request.surface.says_something and empty.is_whole(body, sketch.decoder_of(body, cjson.decode, turn.pause))
      and not attempt_failure.may_be_empty(request, attempt) then
    return select(2, attempt_failure.said_nothing("application/json", body))
  end
  if request.surface.takes_usage and not usage then
    addition_refusals.note(attempt.endpoint, addition_refusals.USAGE)
  end
  relay.finish(attempt, answer, ended)
  answer.held, answer.usage, answer.events, answer.conn = body, usage, nil, nil
  answer.content_type = "application/json"
  return relay.whole(request, attempt, answer)
end


-- What was put together so far does not count: the answer begins anew. The endpoint of one that was too long is asked, too.
function _M.drop(request)
  request.assembly = nil
  if request.is_asked_whole then
    request.excluded[request.attempt.endpoint.name] = nil
  end
  if request.telling and not request.telling.failure.answer then
    request.telling = nil -- two answers that cannot be joined: nothing that a caller could change
  end
end


return _M
