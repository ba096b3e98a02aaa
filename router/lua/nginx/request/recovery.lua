-- An answer that broke off after its caller had seen a part of it: another endpoint continues it. Continue: an endpoint
-- that can do so gets what was sent and continues from there. Restart: any endpoint generates the answer again, and what
-- was sent already is left out (core/recovery/splice.lua). Where neither is possible, the caller gets an error, and the
-- answer is never ended as if it were whole.

local outcome_recorder = require "nginx.request.outcome_recorder"
local asked_form = require "nginx.balancing.asked_form"
local attempt_on = require "nginx.request.attempt"
local balancer = require "nginx.balancing.balancer"
local retry_budget = require "nginx.balancing.retry_budget"
local cjson = require "cjson.safe"
local clock = require "nginx.shared.clock"
local continuation = require "core.request.continuation"
local failures = require "nginx.request.failures"
local credentials = require "nginx.endpoint.credentials"
local outcome = require "core.error.outcome"
local prefill_proofs = require "nginx.request.prefill_proofs"
local request_body = require "core.request.body"
local state = require "nginx.shared.state"
local transcript = require "core.answer.transcript"
local turn = require "nginx.shared.turn"

local _M = {}

local CAPABILITY = "PrefixCompletion"


-- What the caller is sent of a stream is remembered, where its policy wants it recovered or kept; of a whole answer that is
-- put together, where another endpoint may continue it.
function _M.begin(request)
  local recovery = request.doc.policy.streaming.recovery
  local is_wanted = request.parsed.stream and (request.is_kept or recovery ~= "Error")
    or asked_form.may_assemble(request) and recovery == "Continue" and not request.protocol.new_record
  request.transcript = is_wanted and request.surface.can_recover and (request.protocol.new_record or transcript.new)() or nil
end


local function may_recover(request)
  return request.transcript and not request.transcript.is_opaque and not request.is_asked_whole
    and request.doc.policy.streaming.recovery ~= "Error"
end


local function channel_to_continue(request)
  if request.doc.policy.streaming.recovery ~= "Continue" or request.is_prefill_refused or request.choices ~= 1
      or request.assembly and request.transcript.has_more or continuation.is_bound(request.parsed.body) then
    return nil
  end
  return continuation.channel(request.transcript, request.surface.name)
end


-- Does the endpoint continue a channel, as far as anybody knows? A proof may take half of the time to a first token.
local function does_continue(request, attempt, dialect, channel)
  if channel ~= "content" then
    return not dialect.has_templates
  end
  if not dialect.is_unsaid then
    return true
  end
  local half_ms = attempt.started_ms + attempt.policy.timeouts.first_token_ms / 2
  return prefill_proofs.continues(attempt, math.min(half_ms, request.deadline_ms), request.doc.allow_loopback)
end


-- Makes the attempt one that continues a channel; nil when its request has no form for that.
local function ask_to_continue(request, attempt, channel)
  local sent, dialect = request.transcript, continuation.dialect(attempt.endpoint.provider)
  if not does_continue(request, attempt, dialect, channel) then
    return nil
  end
  local text = sent:texts()[0][channel]
  local body = continuation.body(request.parsed.body, text, sent:pieces(0, channel), dialect, cjson.decode)
  local parsed = body and request_body.parse(body, cjson.decode, request.model, request.surface, turn.pause)
  if not parsed then
    return nil
  end
  attempt.parsed, attempt.continues = parsed, channel
  attempt.place = channel == "content" and dialect.place or nil
end


-- An attempt, and the channel that it is to continue, if any.
local function choose(request)
  local channel, needs = channel_to_continue(request), request.needs
  state.epoch()
  if channel then
    request.needs = CAPABILITY
    local attempt = balancer.next(request, clock.now_ms())
    request.needs = needs
    if attempt then
      return attempt, channel
    end
  end
  return not request.assembly and balancer.next(request, clock.now_ms()) or nil
end


-- An endpoint that can continue; the one that broke off only when there is no other, and once.
local function next_attempt(request, failed)
  local name = failed.endpoint.name
  local attempt, channel = choose(request)
  if not attempt and request.tries[name] == 1 then
    local class = request.excluded[name]
    request.excluded[name] = nil
    attempt, channel = choose(request)
    request.excluded[name] = not attempt and class or nil
  end
  return attempt, channel
end


-- Did the endpoint refuse, or not understand, to continue an answer? Then it gets a request to generate it again.
local function is_prefill_refused(attempt, failure)
  return attempt.continues and not outcome.CLASSES[failure.class].counts and failure.class ~= "RateLimited"
    and failure.class ~= "Credential" and failure.class ~= "Deadline"
end


-- Servers also answer 500 to what they cannot do: then the next attempt is without it, at any endpoint.
local function note(request, attempt, failure)
  if attempt.continues and failure.class == "ServerError" and failure.answer then
    request.is_prefill_refused = true
    failures.note(request, attempt, failure)
    request.excluded[attempt.endpoint.name] = nil
    return
  end
  if is_prefill_refused(attempt, failure) then
    request.is_prefill_refused = true
    failures.note(request, attempt, { class = "Incompatible", reason = "Incompatible", answer = failure.answer })
    request.excluded[attempt.endpoint.name] = nil
    return
  end
  failures.note(request, attempt, failure)
end


local function may_go_on(request, attempt, failure)
  local allowed = request.doc.policy.retry.max_attempts + (request.is_prefill_refused and 1 or 0)
  if failure.differs and not attempt.continues then
    return false -- a second answer that contradicts the first one: a third one would, too
  end
  local goes_on = outcome.goes_on(failure.class, request.attempts - request.key_faults, allowed)
  return (goes_on or is_prefill_refused(attempt, failure)) and retry_budget.retries:withdraw()
end


-- After a failed attempt of a stream that was begun: an attempt and its answer that continue it, or nil. An answer that is
-- put together (request.assembly) is only continued; its caller has seen nothing, so it may as well begin anew.
function _M.after(request, failed, failure)
  request.goes_first = true
  request.tier_wait_ms = request.assembly and request.tier_wait_ms or 0 -- who already reads waits for no better tier
  note(request, failed, failure)
  if not may_recover(request) or not may_go_on(request, failed, failure) then
    return nil
  end
  local attempt, channel = next_attempt(request, failed)
  if not attempt then
    retry_budget.retries:refund()
    return nil
  end
  request.attempt, request.has_paid = attempt, true
  request.attempts = request.attempts + 1
  outcome_recorder.started(attempt)
  if channel then
    ask_to_continue(request, attempt, channel) -- may wait: the request holds the attempt, should its caller leave
  end
  attempt.recovers = attempt.continues and "Continue" or "Restart"
  outcome_recorder.failover(failed.endpoint, attempt.endpoint, failure.class)
  local answer, its_failure = attempt_on.run(request, attempt, credentials.of(attempt.keyed))
  if answer and answer.events then
    outcome_recorder.recovery(attempt)
    return attempt, answer
  end
  if answer then
    if attempt.conn then
      attempt.conn:close()
    end
    its_failure = { class = "Incompatible", reason = "Incompatible", detail = "no stream" }
  end
  return _M.after(request, attempt, its_failure)
end


return _M
