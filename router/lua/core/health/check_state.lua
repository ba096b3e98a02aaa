-- What checks make of an endpoint: everything that takes it out of rotation for them, or back in, is in this file, in one
-- table; and when the next check is due.
--
--              unhealthy_threshold bad in a row
--   Untested ────────────────────────────────────> Failing
--      │                                            │  ^
--      └── good ──> Passing <── healthy_threshold ──┘  │
--                      │        good in a row          │
--                      └───────────────────────────────┘
--
-- A refused check (of the key, of the account's balance) is neither: the endpoint answers, and says what is wrong; that
-- is backoff.lua's business. Good answers to real requests count as good checks. `step` gives back the same record when
-- nothing changed: counts stop at their threshold.

local max = math.max
local min = math.min

local _M = {}

local JITTER = 0.1 -- of the interval, both ways: replicas and endpoints must not ask in step
local FIRST_MS = 2000
local REFUSED_DOUBLINGS = 5
local REFUSED_MAX_MS = 300000 -- a refused key is not shown all the time: some providers lock accounts for that

-- The result of a check (check_types.lua) -> what it is for the record; what is not listed says nothing.
_M.EVENTS = {
  Passed = "good", Answered = "good", Spared = "good",
  ConnectFailed = "bad", DnsFailed = "bad", AddressRefused = "bad", ProxyFailed = "bad", TlsFailed = "bad",
  CertificateInvalid = "bad", TimedOut = "bad", Truncated = "bad", BadStatus = "bad", BadAnswer = "bad",
  CredentialsRejected = "refused", BalanceExhausted = "refused",
}


-- good, bad: in a row. refused: keys, in a row. failed_at_ms: the last bad check; result: its word.
function _M.new()
  return { state = "Untested", since_ms = 0, good = 0, bad = 0, refused = 0, failed_at_ms = 0, result = "" }
end


local function changed(record, changes)
  local copy, differs = {}, false
  for key, value in pairs(record) do
    copy[key] = value
  end
  for key, value in pairs(changes) do
    differs = differs or copy[key] ~= value
    copy[key] = value
  end
  return differs and copy or record
end


local function good(record, context)
  local count = min(record.good + 1, context.policy.healthy_threshold)
  return changed(record, { good = max(record.good, count), bad = 0, refused = 0 })
end


local function bad(record, context)
  local count = min(record.bad + 1, context.policy.unhealthy_threshold)
  return changed(record, { bad = max(record.bad, count), good = 0, refused = 0, failed_at_ms = context.now_ms,
                           result = context.result })
end


local function refused(record, context)
  local count = context.result == "CredentialsRejected" and min(record.refused + 1, REFUSED_DOUBLINGS) or 0
  return changed(record, { good = 0, refused = count }), {}
end


local function fails(record, context)
  local counted = bad(record, context)
  if counted.bad < context.policy.unhealthy_threshold then
    return counted, {}
  end
  return changed(counted, { state = "Failing", since_ms = context.now_ms }),
    { transition = { from = "InService", to = "OutOfService", reason = "HealthCheckFailed" } }
end


local UNTESTED, PASSING, FAILING = { bad = fails, refused = refused }, { bad = fails, refused = refused }, {}

function UNTESTED.good(record, context)
  return changed(good(record, context), { state = "Passing", since_ms = context.now_ms }), {}
end

function PASSING.good(record, context)
  return good(record, context), {}
end

function FAILING.good(record, context)
  local counted = good(record, context)
  if counted.good < context.policy.healthy_threshold then
    return counted, {}
  end
  return changed(counted, { state = "Passing", since_ms = context.now_ms }),
    { transition = { from = "OutOfService", to = "InService", reason = "HealthCheckPassed" } }
end

function FAILING.bad(record, context)
  return bad(record, context), {}
end

FAILING.refused = refused

_M.TABLE = { Untested = UNTESTED, Passing = PASSING, Failing = FAILING }


-- event: good, bad, refused. context: now_ms, policy (health_check), result. effects: transition {from, to, reason}.
function _M.step(record, event, context)
  return _M.TABLE[record.state][event](record, context)
end


-- Were there enough good checks in a row for other decisions to rely on?
function _M.is_sure(record, policy)
  return record.good >= policy.healthy_threshold
end


local RANK = { Untested = 0, Failing = 1, Passing = 2 }

-- Of two records of one endpoint, checked with two keys: the one that counts. One whose key is refused stays untested.
function _M.better(one, other)
  return RANK[other.state] > RANK[one.state] and other or one
end


-- The candidates that do not fail their checks. When there is none, all of them: an attempt is better than refusing
-- everything. well_full: one that passes its checks but is full, and will have a free connection soon.
function _M.leave_out(candidates, well_full)
  local kept = {}
  for i = 1, #candidates do
    if not candidates[i].is_failing then
      kept[#kept + 1] = candidates[i]
    end
  end
  return (kept[1] or well_full) and kept or candidates
end


-- The first check of an endpoint: soon, because until then nobody knows whether it answers; not all at the same moment.
function _M.first_due_ms(now_ms, policy, random)
  return now_ms + min(policy.interval_ms, FIRST_MS) * random
end


function _M.next_due_ms(record, now_ms, policy, random)
  local interval_ms = policy.interval_ms
  if record.refused > 0 then
    interval_ms = max(interval_ms, min(interval_ms * 2 ^ record.refused, REFUSED_MAX_MS))
  end
  return now_ms + interval_ms * (1 - JITTER + 2 * JITTER * random)
end


return _M
