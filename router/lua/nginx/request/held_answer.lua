-- An answer, held until it has proved itself: a stream by its first content, a whole one by being complete JSON that says
-- something. In whichever form it comes (core/answer/form.lua), the caller gets the one that was asked for: a stream for
-- which it wants the whole is held to its first content only if the router has asked for it (assembly.lua).

local cjson = require "cjson.safe"
local addition_refusals = require "nginx.endpoint.addition_refusals"
local assembly = require "nginx.request.assembly"
local answer_opening = require "nginx.request.answer_opening"
local attempt_failure = require "nginx.request.attempt_failure"
local chunk = require "core.answer.chunk"
local clock = require "nginx.shared.clock"
local empty = require "core.answer.empty"
local end_wait = require "core.answer.end_wait"
local form = require "core.answer.form"
local lines = require "core.answer.lines"
local listed_calls = require "core.answer.listed_calls"
local splice = require "core.recovery.splice"
local sketch = require "core.json.sketch"
local stream = require "core.answer.stream"
local substitutions = require "nginx.endpoint.substitutions"
local tools = require "core.request.tools"
local turn = require "nginx.shared.turn"

local now_ms = clock.now_ms
local find = string.find
local concat = table.concat
local failed, refused, unread = attempt_failure.failed, attempt_failure.refused, attempt_failure.unread

local _M = {}

local HELD_MAX_BYTES = 8 * 1024 * 1024 -- of an answer that is no stream; a longer one is passed on as it comes
local NO_JSON = "^%s*[^%s{]"
local NOISE_MAX_BYTES = 1024 * 1024 -- of an answer that has said nothing yet: keep-alives for a day
local MS_MAX_DIGITS = 16
local EVENT_STREAM, JSON = "text/event-stream", "application/json"


-- The reader of an answer's events; if it continues an answer, it is joined to what was sent.
local function events_of(request, attempt)
  local reader = request.protocol.new_reader(cjson.decode, request.choices)
  attempt.reader = reader
  local events = stream.new(reader, request.wants_usage)
  if attempt.recovers then
    local note = ("%s by %s"):format(attempt.continues and "continued" or "generated again",
                                     attempt.endpoint.name)
    local how = { note = note, continues = attempt.continues, tools = tools.names(request.parsed.body, cjson.decode) }
    return (request.protocol.new_splice or splice.new)(events, request.transcript, how, cjson.decode, cjson.encode)
  end
  events.keeps_done = request.wants_usage
  if request.transcript then
    reader:record_into(request.transcript)
  end
  return events
end


-- Has the stream finished without content, and is that no answer? More content may still follow.
local function says_nothing(request, attempt, events)
  return events.finished and events.reader.is_empty and not attempt_failure.may_be_empty(request, attempt)
end


-- What a stream said that has no content, in the form that the caller wants.
local function said_form(request, attempt, text)
  if attempt.assembles then
    return JSON, assembly.of(request, attempt, text)
  end
  return EVENT_STREAM, text
end


-- Reads a stream on to its first content. start: its first bytes.
local function hold_stream(request, attempt, conn, start, deadline_ms)
  local events = events_of(request, attempt)
  local held, data, err, is_silent = "", start, nil, false
  while true do
    local out, progress, kind, detail = events:feed(data or "", not data)
    held = held == "" and out or held .. out
    if says_nothing(request, attempt, events) then
      if kind or not data then
        conn:close()
        return attempt_failure.said_nothing(said_form(request, attempt, kind == chunk.DONE and held
          or held .. (request.protocol.DONE_EVENT or "")))
      end
      if not is_silent then
        is_silent, deadline_ms = true, math.min(deadline_ms, now_ms() + end_wait.ms(events, request))
      end
    elseif progress then
      return { status = 200, content_type = conn:header("content-type"), held = held, events = events, conn = conn,
               ended = kind, detail = detail }
    elseif kind or err == "end" then
      conn:close()
      return attempt_failure.unborn(attempt, conn, kind, detail)
    elseif err then
      conn:close()
      return unread(request, attempt, err, false)
    elseif #held > NOISE_MAX_BYTES then
      conn:close()
      return failed("SlowFirstToken", "SlowFirstToken", "a megabyte without content")
    end
    data, err = conn:read(deadline_ms)
  end
end


-- A whole answer as the stream that was asked for.
local function as_stream(request, attempt, conn, body)
  local text = request.protocol.as_stream(body, request.surface.name, true)
  if not text then
    return failed("ServerError", "InvalidAnswer", "a whole answer instead of a stream")
  end
  local events = events_of(request, attempt)
  local held, _, kind, detail = events:feed(text, true)
  if kind ~= chunk.DONE and kind ~= splice.DIFFERS then
    return attempt_failure.unborn(attempt, conn, kind, detail)
  end
  return { status = 200, held = held, events = events, ended = kind, detail = detail }
end


local function check_whole(request, attempt, conn, body)
  if request.surface.member == "choices" and listed_calls.is_needed(body) then
    body = listed_calls.of(body, "message")
  end
  local decode = sketch.decoder_of(body, cjson.decode, turn.pause)
  local is_answer, cut, usage, origin = request.protocol.read_whole(body, decode, request.surface.member)
  attempt.usage, attempt.origin = usage, origin
  if not is_answer then
    if body == "" or not decode(body) then
      return failed("Truncated", find(body, NO_JSON) and "InvalidAnswer" or "Truncated", "no complete JSON")
    end
    return refused(attempt, 200, conn, cut or body)
  end
  if cut then
    return failed("Truncated", "Truncated", cut)
  end
  if request.surface.says_something and empty.is_whole(body, decode)
      and not attempt_failure.may_be_empty(request, attempt) then
    local stream_of = request.parsed.stream and request.protocol.as_stream
    return attempt_failure.said_nothing(stream_of and EVENT_STREAM or JSON,
                                        stream_of and stream_of(body, request.surface.name, request.wants_usage) or body)
  end
  if request.parsed.stream then
    return as_stream(request, attempt, conn, body)
  end
  return { status = 200, content_type = conn:header("content-type"), held = body, usage = usage }
end


-- Holds an answer that comes in pieces until it is complete. Blank lines in it move no deadline; one that is too long to
-- hold is passed on as it comes.
local function hold_pieces(request, attempt, conn, start, deadline_ms)
  local parts, count, size, blanks, data, err = {}, 0, 0, 0, start, nil
  while true do
    if not data then
      if err ~= "end" then
        conn:close()
        return unread(request, attempt, err, true)
      end
      conn:finish()
      return check_whole(request, attempt, conn, count == 1 and parts[1] or concat(parts))
    end
    count, size = count + 1, size + #data
    parts[count], attempt.held_bytes = data, size
    if find(data, "%S") then
      blanks, deadline_ms = 0, math.min(request.deadline_ms, now_ms() + attempt.policy.timeouts.inter_token_ms)
    else
      blanks = blanks + #data
    end
    if blanks > NOISE_MAX_BYTES then
      conn:close()
      return failed("Stalled", "Stalled", "blanks without end")
    end
    if size > HELD_MAX_BYTES then
      if request.parsed.stream then
        conn:close()
        return failed("ServerError", "InvalidAnswer", "a whole answer instead of a stream, and too long to hold")
      end
      return { status = 200, content_type = conn:header("content-type"), held = concat(parts), conn = conn }
    end
    data, err = conn:read(deadline_ms)
  end
end


-- Holds an answer that is no stream. Most come at once.
local function hold_whole(request, attempt, conn, start, deadline_ms)
  attempt.first_byte_ms = now_ms()
  if not conn.ended then
    return hold_pieces(request, attempt, conn, start, deadline_ms)
  end
  attempt.held_bytes = #start
  conn:read(deadline_ms) -- what stands behind its end belongs to nobody
  conn:finish()
  return check_whole(request, attempt, conn, start)
end


-- A stream that was not asked for, as a whole answer.
local function hold_assembled(request, attempt, conn, start, deadline_ms)
  local body, failure = assembly.read(request, attempt, conn, start, deadline_ms)
  if not body then
    return nil, failure
  elseif body == "" then
    return failed("ServerError", "InvalidAnswer", "a stream instead of a whole answer")
  end
  local answer
  answer, failure = check_whole(request, attempt, conn, body)
  if answer then
    answer.content_type = JSON
  end
  return answer, failure
end


-- Until when a whole answer may come where a stream was asked for: servers that do not stream say so in their head. Such an
-- endpoint is asked for whole answers from now on.
local function whole_deadline_ms(request, attempt, conn, deadline_ms)
  if attempt.assembles and (conn:header("content-type") or ""):find("application/json", 1, true) then
    return math.min(request.deadline_ms, attempt.started_ms + attempt.policy.timeouts.request_ms)
  end
  return deadline_ms
end


-- How long the provider says it took, the one of its headers that is about this answer and not about its account.
local function processing_ms(conn)
  local said = conn:header("openai-processing-ms")
  return said and find(said, "^%d+%.?%d*$") and #said <= MS_MAX_DIGITS and said or nil
end


-- The answer {status, content_type, processing_ms, held, usage, and while there is more to come conn, for a stream
-- events}, or nil and the failure. deadline_ms: for its first content.
function _M.of(request, attempt, conn, deadline_ms)
  deadline_ms = whole_deadline_ms(request, attempt, conn, deadline_ms)
  local start, its_form = answer_opening.of(conn, deadline_ms)
  if not start then
    conn:close()
    if its_form == "blanks" then
      return failed("Stalled", "Stalled", "blanks without end")
    elseif its_form == "end" then
      return failed("Truncated", "Truncated", "no complete JSON")
    end
    return unread(request, attempt, its_form, false)
  end
  if its_form == form.WHOLE and attempt.is_stream and lines.are_json(start, conn:header("content-type")) then
    its_form = form.STREAM
  end
  local hold = its_form == form.WHOLE and hold_whole or attempt.is_stream and hold_stream or hold_assembled
  local answer, failure = hold(request, attempt, conn, start, deadline_ms)
  if answer and substitutions.is_refused(attempt) then
    if answer.conn then
      conn:close()
    end
    return failed("ModelMissing", substitutions.REASON, "another model answered")
  end
  if answer then
    local took_ms = processing_ms(conn)
    if took_ms then
      answer.processing_ms = took_ms
    end
    if attempt.assembles and not answer.events then
      addition_refusals.note(attempt.endpoint, addition_refusals.stream_of(attempt.asked))
    end
  end
  return answer, failure
end


return _M
