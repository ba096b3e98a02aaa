-- The request log: one line a request, in its log phase. nginx itself writes it (nginx.conf), buffered, so a request waits
-- for no disk.

local buffer = require "string.buffer"
local clock = require "nginx.shared.clock"
local headers_of = require "core.request.headers"
local line = require "core.log.line"
local log_variable = require "nginx.shared.log_variable"
local request_counts = require "nginx.request.request_counts"
local substitutions = require "nginx.endpoint.substitutions"
local trace_context = require "core.log.trace_context"
local values = require "core.metrics.values"

local floor, random, gsub = math.floor, math.random, string.gsub

local _M = {}

local TRACE_HEADERS = { traceparent = true, tracestate = true }
local FALLBACKS = { degraded = "degraded", cache = "cache", default = "default" }

local second, second_text = 0, ""
local out = buffer.new(1024) -- of the line that is being written
local next_span -- of this worker


local function span_id()
  next_span = next_span or trace_context.series(random)
  return next_span()
end


-- The second of a time, as text.
local function second_of(wall_ms)
  local whole = floor(wall_ms / 1000)
  if whole ~= second then
    second, second_text = whole, os.date("!%Y-%m-%dT%H:%M:%S", whole)
  end
  return second_text
end


-- At the start of a request: the trace that its caller names, if it names one.
function _M.begin(request, headers)
  local given = headers.traceparent
  if not given then
    return
  end
  local parent = trace_context.parse(given)
  request.is_traced = true
  request.trace = parent and parent.trace
  request.parent_span, request.flags = parent and parent.parent, parent and parent.flags or "00"
  request.trace_state = parent and trace_context.state(headers.tracestate)
end


local function trace_of(request)
  request.trace = request.trace or request.own_trace or (gsub(request.upstream_id, "-", ""))
  return request.trace
end


-- The headers of a caller for an endpoint, where the caller names a trace: the same trace, with the attempt as its parent.
-- What is not sound is replaced.
function _M.with_trace(request, attempt, forwarded)
  attempt.span = attempt.span or span_id()
  local lines = "\r\ntraceparent: " .. trace_context.traceparent(trace_of(request), attempt.span, request.flags)
  if request.trace_state then
    lines = lines .. "\r\ntracestate: " .. request.trace_state
  end
  return headers_of.with_own(forwarded, { names = TRACE_HEADERS, lines = lines })
end


local function place_of(attempt)
  local route = attempt.route
  if not route.log_place then
    route.log_place = ('"endpoint":%s,"tier":%d,"provider_name":%s,"provider_model":%s'):format(
      line.text(attempt.endpoint.name), attempt.endpoint.tier, line.text(values.provider(attempt.endpoint.provider)),
      line.text(route.upstream_name))
  end
  return route.log_place
end


local function attempt_of(attempt, started_ms, now_ms)
  local origin = substitutions.origin(attempt)
  local has_begun = attempt.first_content_ms > 0
  return {
    place = place_of(attempt), span = attempt.span or span_id(),
    start_ms = attempt.started_ms - started_ms,
    duration_ms = (attempt.ended_ms or now_ms) - attempt.started_ms,
    first_token_ms = has_begun and attempt.is_stream and attempt.first_content_ms - attempt.started_ms or nil,
    status = attempt.status, class = attempt.class, kind = attempt.kind, counts = attempt.counts,
    is_estimated = attempt.is_estimated, cost = attempt.money,
    currency = attempt.money and attempt.endpoint.pricing.currency, answered_by = attempt.answered_by,
    fingerprint = origin.fingerprint, provider = origin.provider,
  }
end


local function attempts_of(made, started_ms, now_ms)
  local list = {}
  for i = 1, #made do
    list[i] = attempt_of(made[i], started_ms, now_ms)
  end
  return list
end


local function is_plain(request, outcome)
  return outcome == "ok" and request.attempts == 1
end


-- The line of a request that has ended, if it is in the log: is it?
local function put_line(request, status, now_ms)
  local doc, outcome = request.doc, request_counts.outcome_of(request, status)
  if not line.is_wanted(doc.log_percent, is_plain(request, outcome), random() * 100) then
    return false
  end
  doc.log_place = doc.log_place or (',"pool":%s,"generation":%d'):format(line.text(doc.pool), doc.generation)
  local started_ms = request.started_ms > 0 and request.started_ms or now_ms
  local made = request.account.attempts
  local last, started_wall_ms = request.attempt, clock.to_wall_ms(started_ms)
  line.put(out:reset(), {
    second = second_of(started_wall_ms), ms = started_wall_ms % 1000, id = request.id, trace = trace_of(request),
    span = span_id(), parent = request.parent_span,
    is_unsampled = request.parent_span and not trace_context.is_sampled(request.flags), place = doc.log_place,
    client = request.client and request.client.name or "",
    surface = request.surface.name, model = request.first_model or "",
    is_stream = request.parsed ~= nil and request.parsed.stream == true, status = status, outcome = outcome,
    duration_ms = now_ms - started_ms,
    first_token_ms = request.first_content_ms > 0 and request.first_content_ms - started_ms or nil,
    queued_ms = request.queued_ms or 0, fallback = request.is_degraded and "degraded" or FALLBACKS[outcome],
    repaired = request.repaired, trimmed_turns = request.trimmed_turns, continued = last and last.recovers or nil,
    attempt = #made == 1 and attempt_of(made[1], started_ms, now_ms) or nil,
    attempts = #made ~= 1 and attempts_of(made, started_ms, now_ms) or nil,
  })
  return true
end


-- The log phase.
function _M.write(request, status, now_ms)
  if request.surface and request.doc and put_line(request, status, now_ms) then
    log_variable.set(out)
  end
end


return _M
