-- The circuit breaker of one (endpoint, model): everything that changes its state is in this file, in one table.
--
--             failure too many            retry_at passed, next request
--   Closed ────────────────────> Open ─────────────────────────────────> HalfOpen
--     ^                           ^   one fails                            │
--     │                           └────────────────────────────────────────┤
--     └────────────────────── half_open_max_requests pass ─────────────────┘
--
-- Health checks move Open to HalfOpen at most, so that a router without traffic does not report an open circuit for ever:
-- only real traffic closes. And not before retry_at, unless they also failed since the circuit opened. A check that
-- passed all the time does not see this fault, and must not send half-open requests into an outage every few seconds. A
-- probe that began after the circuit opened and got a good answer is better evidence, so it may act before retry_at. It
-- does so once: when its half-open request fails, the circuit has opened after the probe. docs/adr/0007-ghost-traffic.md
-- says why.
--
-- Counts go by the time a request started. A window of slow answers must not look like a burst. An answer to a request
-- that started before a row of failures does not end the row. A request that started before the circuit closed says
-- nothing about its state since. A half-open request is a lease: it passes with its first content and fails with any
-- counted failure. When its holder disappears the lease ends with it, or it expires. In an open time of more than
-- EARLY_MS one request in EARLY_MS also passes while the circuit stays open, so that a recovery is found soon. The first
-- open times are one recovery time each. Then they double, until the circuit has stayed closed for a recovery time: a
-- provider that does not recover gets requests at growing intervals while there is another one. `step` takes a record and
-- gives a record: the same one when nothing changed.

local max = math.max
local min = math.min

local _M = {}

local JITTER = 0.2 -- of the open time, at most so much less: replicas must not ask in step
local ALIKE = 3 -- open times before they double
local EARLY_MS = 10000 -- in a longer open time, one request in this time goes as a half-open request
-- Failures that cost the caller of a half-open request next to nothing. Silence is not one: it costs him all of
-- firstToken.
local TRIED_EARLY = {
  Connect = true, ProxyFailed = true, Busy = true, ServerError = true, Truncated = true, NoAnswer = true,
  AddressRefused = true, CertificateInvalid = true, DnsFailed = true, InvalidAnswer = true, ModelLoading = true,
  RedirectRefused = true, TlsFailed = true,
}
local PROBE_NEWS_MS = 30 * 60000 -- an older probe answer says nothing about the present

_M.CHECKED, _M.PROBED = "HealthCheckPassed", "ProbePassed"

-- Why it is half-open without a request: it waits for one.
_M.UNTRIED = { [_M.CHECKED] = true, [_M.PROBED] = true }

-- The first record of a breaker. leases: [{id, until_ms, holder}]; failing_since_ms: when the first of the consecutive
-- failures was sent; broken_since_ms: since when it has not been closed, whatever half-open requests did; first_lease: of
-- the half-open requests since it opened last; era: grows when the counts start again.
function _M.new()
  return { state = "Closed", since_ms = 0, consecutive = 0, failing_since_ms = 0, opens = 0, retry_at_ms = 0, passed = 0,
           broken_since_ms = 0, half_open_at_ms = 0, leases = {}, first_lease = 1, next_lease = 1, era = 0, reason = "" }
end


local function changed(record, changes)
  local copy = {}
  for key, value in pairs(record) do
    copy[key] = value
  end
  for key, value in pairs(changes) do
    copy[key] = value
  end
  return copy
end


local function transition(record, to, reason, context, changes)
  changes.state, changes.since_ms, changes.reason = to, context.now_ms, reason
  changes.broken_since_ms = to ~= "Closed" and (record.broken_since_ms > 0 and record.broken_since_ms or context.now_ms) or 0
  return changed(record, changes), { transition = { from = record.state, to = to, reason = reason } }
end


local function open(record, reason, context)
  local policy = context.policy
  local opens = record.opens + 1
  local doubled = 2 ^ min(max(opens - ALIKE, 0), 30)
  local open_ms = min(policy.recovery_timeout_ms * doubled, policy.max_recovery_timeout_ms)
  return transition(record, "Open", reason, context, {
    opens = opens, retry_at_ms = context.now_ms + open_ms * (1 - JITTER * context.random), leases = {}, passed = 0,
    first_lease = record.next_lease, half_open_at_ms = context.now_ms + EARLY_MS,
  })
end


-- The first record of a breaker with a startup hint of an outage: as if it had just opened.
function _M.new_open(reason, context)
  return (open(_M.new(), reason, context))
end


local function is_too_much(consecutive, window, policy)
  if policy.consecutive_failures > 0 and consecutive >= policy.consecutive_failures then
    return true
  end
  local total = window.ok + window.failed
  return total >= policy.minimum_requests and window.failed * 100 >= policy.error_rate_percent * total
end


local function leases_without(record, gone, now_ms)
  local kept, found = {}, false
  for i = 1, #record.leases do
    local lease = record.leases[i]
    if lease.id == gone then
      found = true
    elseif lease.until_ms > now_ms then
      kept[#kept + 1] = lease
    end
  end
  return kept, found
end


local function grant(record, context, effects)
  local leases = leases_without(record, nil, context.now_ms)
  effects = effects or {}
  if #leases + record.passed >= context.policy.half_open_max_requests then
    return record, { admitted = false }
  end
  local id = record.next_lease
  leases[#leases + 1] = { id = id, until_ms = context.now_ms + context.lease_ms, holder = context.holder }
  effects.admitted, effects.lease = true, id
  return changed(record, { leases = leases, next_lease = id + 1 }), effects
end


-- Of those since it opened last: the answer to an earlier one may last for minutes.
local function is_half_open(record, lease)
  return lease ~= nil and lease >= record.first_lease
end


local function unchanged(record)
  return record, {}
end


-- When an open circuit lets its next early half-open request through; nil: it does not.
local function early_at_ms(record)
  return TRIED_EARLY[record.reason] and record.retry_at_ms - record.since_ms > EARLY_MS and record.half_open_at_ms or nil
end


-- One request, while the circuit stays open; grant is for half-open ones.
local function try_early(record, context)
  local at_ms = early_at_ms(record)
  if not at_ms or context.now_ms < at_ms then
    return record, { admitted = false }
  end
  local id = record.next_lease
  return changed(record, {
    leases = { { id = id, until_ms = context.now_ms + context.lease_ms, holder = context.holder } }, next_lease = id + 1,
    half_open_at_ms = context.now_ms + EARLY_MS,
  }), { admitted = true, lease = id }
end


local CLOSED, OPEN, HALF_OPEN = {}, {}, {}

function CLOSED.admit(record)
  return record, { admitted = true }
end

function CLOSED.complete(record, context)
  local ends_row = record.consecutive > 0 and context.started_ms >= record.failing_since_ms
  local stayed = record.opens > 0 and context.now_ms - record.since_ms >= context.policy.recovery_timeout_ms
  if not ends_row and not stayed then
    return record, {}
  end
  return changed(record, { consecutive = ends_row and 0 or record.consecutive, opens = stayed and 0 or record.opens }), {}
end

function CLOSED.failure(record, context)
  if _M.is_old_news(record, context.started_ms, context.lease) then
    return record, {}
  end
  local consecutive = record.consecutive + 1
  local counted = changed(record, {
    consecutive = consecutive, failing_since_ms = record.consecutive == 0 and context.started_ms or record.failing_since_ms,
  })
  if is_too_much(consecutive, context.window, context.policy) then
    return open(counted, context.reason, context)
  end
  return counted, {}
end

function OPEN.admit(record, context)
  if context.now_ms < _M.retry_at_ms(record, context.policy, context.is_last_resort) then
    return try_early(record, context)
  end
  local half_open, effects = transition(record, "HalfOpen", "RecoveryTimeoutPassed", context, { leases = {}, passed = 0 })
  return grant(half_open, context, effects)
end

function OPEN.check_passed(record, context)
  if context.now_ms < record.retry_at_ms and context.check_failed_at_ms < record.since_ms then
    return record, {}
  end
  return transition(record, "HalfOpen", _M.CHECKED, context, { leases = {}, passed = 0 })
end

-- Nothing from the future: it would count again after the half-open request has failed.
function OPEN.probe_passed(record, context)
  local age_ms = context.now_ms - context.probed_at_ms
  if context.probed_at_ms <= record.since_ms or age_ms < 0 or age_ms > PROBE_NEWS_MS then
    return record, {}
  end
  return transition(record, "HalfOpen", _M.PROBED, context, { leases = {}, passed = 0 })
end

-- An early half-open request has passed: it is the first of those that close the circuit.
function OPEN.first_content(record, context)
  if not is_half_open(record, context.lease) then
    return record, {}
  end
  local half_open = transition(record, "HalfOpen", "RecoveryTimeoutPassed", context, { passed = 0 })
  local after, effects = HALF_OPEN.first_content(half_open, context)
  if effects.transition then
    effects.transition.from = "Open"
    return after, effects
  end
  return after, { transition = { from = "Open", to = "HalfOpen", reason = "RecoveryTimeoutPassed" } }
end

-- It has failed or ended without a result: the next one goes at its time.
function OPEN.failure(record, context)
  local leases, held = leases_without(record, context.lease, context.now_ms)
  return held and changed(record, { leases = leases }) or record, {}
end

OPEN.release = OPEN.failure

HALF_OPEN.admit = grant

-- Half-open requests that ended without a result (the caller left) leave it waiting for the next request.
function HALF_OPEN.check_passed(record, context)
  if _M.UNTRIED[record.reason] or #leases_without(record, nil, context.now_ms) > 0 then
    return record, {}
  end
  return changed(record, { reason = _M.CHECKED }), {}
end

function HALF_OPEN.first_content(record, context)
  local leases, held = leases_without(record, context.lease, context.now_ms)
  if not held then
    return record, {}
  end
  local passed = record.passed + 1
  if passed < context.policy.half_open_max_requests then
    return changed(record, { leases = leases, passed = passed }), {}
  end
  return transition(record, "Closed", "TrialsPassed", context, {
    leases = {}, passed = 0, consecutive = 0, era = record.era + 1,
  })
end

-- Only a half-open request shows the present state of the endpoint. Requests that were sent before the circuit opened do
-- not.
function HALF_OPEN.failure(record, context)
  if not is_half_open(record, context.lease) then
    return record, {}
  end
  return open(record, context.reason, context)
end

function HALF_OPEN.release(record, context)
  local leases, held = leases_without(record, context.lease, context.now_ms)
  if not held then
    return record, {}
  end
  return changed(record, { leases = leases }), {}
end

CLOSED.first_content, CLOSED.release, CLOSED.check_passed, CLOSED.probe_passed = unchanged, unchanged, unchanged, unchanged
OPEN.complete = unchanged
HALF_OPEN.complete, HALF_OPEN.probe_passed = unchanged, unchanged

_M.TABLE = { Closed = CLOSED, Open = OPEN, HalfOpen = HALF_OPEN }


-- event: admit, first_content, complete, failure, release, check_passed, probe_passed. context: now_ms, random [0, 1),
-- policy (circuit_breaker), started_ms (of the attempt), and lease_ms and holder (admit), lease (what admit gave), reason
-- and window {ok, failed} (failure), is_last_resort (admit: there is nobody else), check_failed_at_ms (check_passed: when a
-- check was last bad), probed_at_ms (probe_passed: when the probe began).
-- effects: admitted and lease (admit), transition {from, to, reason}.
function _M.step(record, event, context)
  return _M.TABLE[record.state][event](record, context)
end


-- Was the attempt sent before the circuit closed, and not to try it?
function _M.is_old_news(record, started_ms, lease)
  return started_ms < record.since_ms and not is_half_open(record, lease)
end


-- The record without the half-open requests of a holder that no longer exists; the same one when it has none.
function _M.without_holder(record, holder)
  local kept = {}
  for i = 1, #record.leases do
    if record.leases[i].holder ~= holder then
      kept[#kept + 1] = record.leases[i]
    end
  end
  return #kept == #record.leases and record or changed(record, { leases = kept })
end


-- When an open circuit lets a half-open request through. If there is no other endpoint, the wait does not grow with the
-- outages: one request in a recovery time is rare enough, and no caller should lack an answer for minutes after the
-- outage is over.
function _M.retry_at_ms(record, policy, is_last_resort)
  if is_last_resort then
    return min(record.retry_at_ms, record.since_ms + policy.recovery_timeout_ms)
  end
  return record.retry_at_ms
end


-- As retry_at_ms, or the time of the next early half-open request if that is sooner.
function _M.next_at_ms(record, policy, is_last_resort)
  return min(_M.retry_at_ms(record, policy, is_last_resort), early_at_ms(record) or math.huge)
end


-- The record as it applies when there is no other endpoint: for reports, not to be stored.
function _M.as_last_resort(record, policy)
  return changed(record, { retry_at_ms = _M.retry_at_ms(record, policy, true) })
end


-- May a request be sent, as far as that is known without a lease? (what picking looks at)
function _M.may_admit(record, now_ms, policy, is_last_resort)
  if record.state == "Closed" then
    return true
  end
  if record.state == "Open" then
    return now_ms >= _M.next_at_ms(record, policy, is_last_resort)
  end
  return #leases_without(record, nil, now_ms) + record.passed < policy.half_open_max_requests
end


return _M
