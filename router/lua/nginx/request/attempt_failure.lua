-- How an attempt can fail before its caller was sent anything: {class, reason, detail, ...} (core/error/outcome.lua has the
-- classes). Each gives nil and the failure, as the attempt itself does.

local chunk = require "core.answer.chunk"
local classify = require "core.error.classify"
local cjson = require "cjson.safe"
local clock = require "nginx.shared.clock"
local empty = require "core.answer.empty"
local sketch = require "core.json.sketch"
local turn = require "nginx.shared.turn"

local now_ms = clock.now_ms

local _M = {}

local OWN_TIME = 0.9 -- of what an attempt may take: with less of it, the endpoint is not to blame for a timeout


function _M.failed(class, reason, detail)
  return nil, { class = class, reason = reason, detail = detail }
end

local failed = _M.failed


-- Nothing came in time. An endpoint that had less time than it may take, because others had used it up, is not to blame.
function _M.time_out(request, attempt, class, reason)
  if now_ms() >= request.deadline_ms and now_ms() - attempt.started_ms < OWN_TIME * attempt.patience_ms then
    return failed("Deadline", "RequestTimeout")
  end
  return failed(class, reason or not attempt.is_stream and "RequestTimeout" or class)
end


-- A refusal, or an answer that is none: the provider's words say what it means.
function _M.refused(attempt, status, conn, body)
  local function header(name)
    return conn:header(name)
  end
  local failure = classify.refusal(status, header, body, attempt.endpoint.provider, clock.wall_ms())
  failure.answer = { status = status, content_type = conn:header("content-type"), body = body }
  return nil, failure
end


-- The answer could not be read to its end. has_begun: had any of it come?
function _M.unread(request, attempt, err, has_begun)
  if err ~= "timeout" then
    return failed("Truncated", "Truncated", err)
  end
  if not has_begun then
    return _M.time_out(request, attempt, "SlowFirstToken")
  end
  if now_ms() >= request.deadline_ms then
    return failed("Deadline", "RequestTimeout")
  end
  return failed("Stalled", "Stalled")
end


-- What an end of a stream before its first content means.
function _M.unborn(attempt, conn, kind, detail)
  if kind == chunk.ERROR then
    return _M.refused(attempt, 200, conn, detail)
  end
  if kind == chunk.CUT then
    return failed("Busy", "Busy", detail)
  end
  return failed("Truncated", "Truncated", kind)
end


-- Is an answer without content no failure?
function _M.may_be_empty(request, attempt)
  return attempt.recovers or not request.surface.says_something
    or empty.may_be_wanted(request.parsed.body, sketch.decoder_of(request.parsed.body, cjson.decode, turn.pause))
end


-- An answer without content, when the caller may want some: the next endpoint is tried, and the caller gets this answer
-- when no endpoint gives a better one.
function _M.said_nothing(content_type, text)
  return nil, { class = "Empty", reason = "Empty", status = 200,
                answer = { status = 200, content_type = content_type, body = text } }
end


return _M
