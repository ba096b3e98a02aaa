local breaker = require "core.health.breaker"

local POLICY = {
  consecutive_failures = 3, minimum_requests = 4, error_rate_percent = 50, sliding_window_ms = 60000,
  recovery_timeout_ms = 1000, max_recovery_timeout_ms = 3000, half_open_max_requests = 2,
}
local QUIET = { ok = 0, failed = 1 }

local function context(now_ms, changes)
  local made = { now_ms = now_ms, started_ms = now_ms, random = 0, policy = POLICY, lease_ms = 500, reason = "Busy", window = QUIET }
  for key, value in pairs(changes or {}) do
    made[key] = value
  end
  return made
end

-- Walks a record through events: {event, now_ms, changes}; gives the record and the last effects.
local function walk(record, events)
  local effects
  for _, event in ipairs(events) do
    record, effects = breaker.step(record, event[1], context(event[2], event[3]))
  end
  return record, effects
end

local function opened()
  return walk(breaker.new(), { { "failure", 10 }, { "failure", 20 }, { "failure", 30 } })
end

local function half_open()
  local record, effects = walk(opened(), { { "admit", 1030 } })
  return record, effects.lease
end

local function with(policy, changes)
  local made = {}
  for key, value in pairs(policy) do
    made[key] = value
  end
  for key, value in pairs(changes) do
    made[key] = value
  end
  return made
end

describe("breaker, closed", function()
  it("admits, and that changes nothing", function()
    local record = breaker.new()
    assert.is_true(breaker.may_admit(record, 1, POLICY))
    local after, effects = breaker.step(record, "admit", context(1))
    assert.equal(record, after)
    assert.is_true(effects.admitted)
  end)

  it("opens after so many failures in a row, with the last one's class as the reason", function()
    local record, effects = opened()
    assert.equal("Open", record.state)
    assert.same({ from = "Closed", to = "Open", reason = "Busy" }, effects.transition)
    assert.equal(1030, record.retry_at_ms)
  end)

  it("starts counting again after a whole answer", function()
    local record = walk(breaker.new(), { { "failure", 1 }, { "failure", 2 }, { "complete", 3 }, { "failure", 4 } })
    assert.equal("Closed", record.state)
    assert.equal(1, record.consecutive)
  end)

  it("is not calmed by answers to what was asked before the failures", function()
    local record = walk(breaker.new(), { { "failure", 10 }, { "complete", 11, { started_ms = 5 } }, { "failure", 20 },
                                         { "complete", 21, { started_ms = 9 } }, { "failure", 30 } })
    assert.equal("Open", record.state)
  end)

  it("starts counting again after an answer to what was asked during the failures", function()
    local record = walk(breaker.new(), { { "failure", 30, { started_ms = 0 } }, { "failure", 31, { started_ms = 1 } },
                                         { "complete", 35, { started_ms = 10 } }, { "failure", 36 } })
    assert.equal(1, record.consecutive)
  end)

  it("is not calmed by a first content alone: an endpoint that always cuts must open", function()
    local record = walk(breaker.new(), { { "failure", 1 }, { "first_content", 2 }, { "failure", 3 },
                                         { "first_content", 4 }, { "failure", 5 } })
    assert.equal("Open", record.state)
  end)

  it("opens by the rate, from the minimum number of requests on", function()
    for _, case in ipairs({
      { ok = 2, failed = 1, want = "Closed" }, { ok = 2, failed = 2, want = "Open" }, { ok = 3, failed = 2, want = "Closed" },
    }) do
      local record = walk(breaker.new(), { { "failure", 1, { window = { ok = case.ok, failed = case.failed } } } })
      assert.equal(case.want, record.state)
    end
  end)

  it("opens by the rate only from that percentage on", function()
    local failed = with(POLICY, { consecutive_failures = 0 })
    local function after(window)
      return walk(breaker.new(), { { "failure", 1, { policy = failed, window = window } } }).state
    end
    assert.equal("Closed", after({ ok = 102, failed = 101 }))
    assert.equal("Open", after({ ok = 101, failed = 101 }))
  end)

  it("opens after the first failure where one is enough, and after no row where none is (0)", function()
    local once, never = with(POLICY, { consecutive_failures = 1 }), with(POLICY, { consecutive_failures = 0 })
    assert.equal("Open", walk(breaker.new(), { { "failure", 1, { policy = once } } }).state)
    assert.equal("Closed", walk(breaker.new(), { { "failure", 1, { policy = never } } }).state)
  end)

  it("forgets a single failure after an answer to what was sent with it", function()
    local record = walk(breaker.new(), { { "failure", 10 }, { "complete", 20, { started_ms = 10 } } })
    assert.equal(0, record.consecutive)
  end)

  it("a good answer after a long time changes nothing either", function()
    local record = breaker.new()
    assert.equal(record, (breaker.step(record, "complete", context(100000))))
  end)

  it("a good answer without failures before it changes nothing", function()
    local record = breaker.new()
    assert.equal(record, (breaker.step(record, "complete", context(5))))
  end)
end)

describe("breaker, open", function()
  it("admits nobody before its time", function()
    local record, effects = walk(opened(), { { "admit", 1029 } })
    assert.equal("Open", record.state)
    assert.is_false(effects.admitted)
    assert.is_false(breaker.may_admit(record, 1029, POLICY))
  end)

  it("is half-open with the first request after it", function()
    local record, effects = walk(opened(), { { "admit", 1030 } })
    assert.equal("HalfOpen", record.state)
    assert.is_true(effects.admitted)
    assert.equal(1, effects.lease)
  end)

  it("does not care for what was sent before", function()
    local record = opened()
    for _, event in ipairs({ "failure", "first_content", "complete", "release" }) do
      assert.equal(record, (breaker.step(record, event, context(40))))
    end
  end)

  it("waits as long three times, then twice as long each time, up to the maximum", function()
    local record, want_ms = opened(), { 1000, 1000, 2000, 3000, 3000 }
    for _, want in ipairs(want_ms) do
      local now_ms = record.retry_at_ms
      local effects
      record, effects = breaker.step(record, "admit", context(now_ms))
      record = breaker.step(record, "failure", context(now_ms, { lease = effects.lease }))
      assert.is_true(math.abs(want - (record.retry_at_ms - now_ms)) < 1e-6)
    end
  end)

  it("waits no longer than the first time for who has nobody else to ask", function()
    local record, now_ms = opened(), 1030
    for _ = 1, 5 do
      local effects
      record, effects = breaker.step(record, "admit", context(now_ms, { is_last_resort = true }))
      record = breaker.step(record, "failure", context(now_ms, { lease = effects.lease }))
      assert.is_false(breaker.may_admit(record, now_ms + 999, POLICY, true))
      assert.is_true(breaker.may_admit(record, now_ms + 1000, POLICY, true))
      now_ms = now_ms + 1000
    end
    assert.is_false(breaker.may_admit(record, now_ms, POLICY, false))
    assert.equal(now_ms, breaker.as_last_resort(record, POLICY).retry_at_ms)
    local _, effects = breaker.step(record, "admit", context(now_ms))
    assert.is_false(effects.admitted)
  end)

  it("never waits longer than the maximum", function()
    local record = opened()
    for _ = 1, 5 do
      local now_ms, effects = record.retry_at_ms, nil -- luacheck: ignore 311
      record, effects = breaker.step(record, "admit", context(now_ms))
      record = breaker.step(record, "failure", context(now_ms, { lease = effects.lease }))
    end
    assert.equal(3000, record.retry_at_ms - record.since_ms)
  end)

  it("waits up to a fifth less, so that replicas do not ask in step", function()
    local early = walk(breaker.new(), { { "failure", 0 }, { "failure", 0 }, { "failure", 0, { random = 0 } } })
    local late = walk(breaker.new(), { { "failure", 0 }, { "failure", 0 }, { "failure", 0, { random = 0.9999 } } })
    assert.equal(1000, early.retry_at_ms)
    assert.is_true(late.retry_at_ms > 800 and late.retry_at_ms < 801)
  end)
end)

describe("breaker, since when it is not closed", function()
  it("is the moment in which it opened, whatever half-open requests did, until it closes", function()
    local record = opened()
    assert.equal(30, record.broken_since_ms)
    local lease
    record, lease = half_open()
    assert.equal(30, record.broken_since_ms)
    local again = walk(record, { { "failure", 1040, { lease = lease } } })
    assert.equal(30, again.broken_since_ms)
    record = walk(record, { { "first_content", 1040, { lease = lease } } })
    local effects
    record, effects = breaker.step(record, "admit", context(1041))
    record = breaker.step(record, "first_content", context(1050, { lease = effects.lease }))
    assert.same({ "Closed", 0, 0 }, { record.state, record.broken_since_ms, record.passed })
  end)

  it("also when that was the first millisecond", function()
    local record = walk(breaker.new_open("Busy", context(1)), { { "admit", 1001 } })
    assert.same({ "HalfOpen", 1 }, { record.state, record.broken_since_ms })
  end)
end)

describe("breaker, half-open requests that have passed", function()
  it("are none in a new state", function()
    assert.equal(0, breaker.new().passed)
    assert.equal(0, opened().passed)
    assert.equal(0, walk(opened(), { { "check_passed", 1030, { check_failed_at_ms = 0 } } }).passed)
    assert.equal(0, walk(opened(), { { "probe_passed", 500, { probed_at_ms = 40 } } }).passed)
  end)

  it("leave room for so many fewer", function()
    local record, lease = half_open()
    record = walk(record, { { "first_content", 1040, { lease = lease } } })
    assert.is_true(breaker.may_admit(record, 1041, POLICY))
    record = breaker.step(record, "admit", context(1041))
    assert.is_false(breaker.may_admit(record, 1042, POLICY))
    assert.is_false(select(2, breaker.step(record, "admit", context(1042))).admitted)
  end)
end)

describe("breaker, open for more than ten seconds", function()
  local LONG = { recovery_timeout_ms = 30000 }
  for key, value in pairs(POLICY) do
    LONG[key] = LONG[key] or value
  end
  LONG.max_recovery_timeout_ms = 60000

  local function long(reason)
    return walk(breaker.new(), {
      { "failure", 0, { policy = LONG, reason = reason } }, { "failure", 0, { policy = LONG, reason = reason } },
      { "failure", 0, { policy = LONG, reason = reason } },
    })
  end

  it("lets one request in ten seconds through, and stays open", function()
    local record = long("Busy")
    assert.is_false(breaker.may_admit(record, 9999, LONG))
    assert.is_true(breaker.may_admit(record, 10000, LONG))
    local tried, effects = walk(record, { { "admit", 10000, { policy = LONG } } })
    assert.is_true(effects.admitted)
    assert.equal("Open", tried.state)
    assert.is_false(breaker.may_admit(tried, 19999, LONG))
    assert.is_true(breaker.may_admit(tried, 20000, LONG))
    assert.equal(20000, breaker.next_at_ms(tried, LONG))
  end)

  it("is half-open once that one was answered, and has one half-open request behind it", function()
    local tried, effects = walk(long("Busy"), { { "admit", 10000, { policy = LONG } } })
    local record, after = walk(tried, { { "first_content", 10100, { policy = LONG, lease = effects.lease } } })
    assert.equal("HalfOpen", record.state)
    assert.equal(1, record.passed)
    assert.same({ from = "Open", to = "HalfOpen", reason = "RecoveryTimeoutPassed" }, after.transition)
  end)

  it("closes at once where one half-open request is enough", function()
    local one = {}
    for key, value in pairs(LONG) do
      one[key] = value
    end
    one.half_open_max_requests = 1
    local tried, effects = walk(long("Busy"), { { "admit", 10000, { policy = one } } })
    local record, after = walk(tried, { { "first_content", 10100, { policy = one, lease = effects.lease } } })
    assert.equal("Closed", record.state)
    assert.equal("Open", after.transition.from)
  end)

  it("stays open for no longer when that one failed", function()
    local tried, effects = walk(long("Busy"), { { "admit", 10000, { policy = LONG } } })
    local record = walk(tried, { { "failure", 10100, { policy = LONG, lease = effects.lease } } })
    assert.equal("Open", record.state)
    assert.equal(30000, record.retry_at_ms)
    assert.same({}, record.leases)
  end)

  it("lets nobody wait for all of firstToken", function()
    assert.is_false(breaker.may_admit(long("SlowFirstToken"), 29999, LONG))
  end)

  for _, reason in ipairs({ "Connect", "ProxyFailed", "Busy", "ServerError", "Truncated", "NoAnswer" }) do
    it("lets one through after " .. reason .. ", which costs its caller next to nothing", function()
      assert.is_true(breaker.may_admit(long(reason), 10000, LONG))
    end)
  end

  it("gives each of these requests a lease of its own, for as long as one lasts", function()
    local record, first = walk(long("Busy"), { { "admit", 10000, { policy = LONG } } })
    assert.equal(10500, record.leases[1].until_ms)
    local after, second = walk(record, { { "admit", 20000, { policy = LONG } } })
    assert.equal(first.lease + 1, second.lease)
    assert.equal(second.lease + 1, after.next_lease)
  end)
end)

describe("breaker, half-open", function()
  it("admits so many half-open requests and no more", function()
    local record = half_open()
    local effects
    record, effects = breaker.step(record, "admit", context(1031))
    assert.is_true(effects.admitted)
    record, effects = breaker.step(record, "admit", context(1032))
    assert.is_false(effects.admitted)
    assert.is_false(breaker.may_admit(record, 1032, POLICY))
  end)

  it("closes when so many half-open requests have passed, and starts its counts again", function()
    local record, lease = half_open()
    record = walk(record, { { "first_content", 1040, { lease = lease } } })
    assert.equal("HalfOpen", record.state)
    local effects
    record, effects = breaker.step(record, "admit", context(1041))
    record, effects = breaker.step(record, "first_content", context(1050, { lease = effects.lease }))
    assert.same({ from = "HalfOpen", to = "Closed", reason = "TrialsPassed" }, effects.transition)
    assert.equal(1, record.era)
    assert.equal(0, record.consecutive)
  end)

  it("opens again with the first half-open request that fails", function()
    local record, lease = half_open()
    record = walk(record, { { "failure", 1040, { lease = lease } } })
    assert.equal("Open", record.state)
    assert.equal(2, record.opens)
  end)

  it("opens again when a half-open request that had passed breaks later", function()
    local record, lease = half_open()
    record = walk(record, { { "first_content", 1040, { lease = lease } }, { "failure", 1050, { lease = lease } } })
    assert.equal("Open", record.state)
  end)

  it("does not blame failures of requests from before it opened", function()
    local record = half_open()
    assert.equal(record, (breaker.step(record, "failure", context(1040))))
  end)

  it("does not blame a half-open request from before it opened", function()
    local record, lease = half_open()
    record = walk(record, { { "first_content", 1040, { lease = lease } } })
    local second
    record, second = walk(record, { { "admit", 1041 } })
    record = walk(record, { { "failure", 1050, { lease = second.lease } }, { "admit", 4000 } })
    assert.equal("HalfOpen", record.state)
    local late = { lease = lease, started_ms = 1030 }
    assert.equal(record, (walk(record, { { "failure", 4001, late } })))
    local closed = walk(record, { { "first_content", 4002, { lease = 3 } }, { "admit", 4003 }, { "first_content", 4004, { lease = 4 } } })
    assert.equal("Closed", closed.state)
    assert.equal(closed, (walk(closed, { { "failure", 4005, late } })))
  end)

  it("gets the lease of a half-open request back when its caller leaves, or when it has no result in time", function()
    local record, lease = half_open()
    local released = walk(record, { { "release", 1040, { lease = lease } } })
    assert.same({}, released.leases)
    record = walk(record, { { "admit", 1031 } })
    assert.is_false(breaker.may_admit(record, 1100, POLICY))
    assert.is_true(breaker.may_admit(record, 1530, POLICY))
  end)

  it("gets the places back of a worker that died", function()
    local record = walk(opened(), { { "admit", 1030, { holder = 0 } }, { "admit", 1031, { holder = 1 } } })
    assert.is_false(breaker.may_admit(record, 1032, POLICY))
    local left = breaker.without_holder(record, 1)
    assert.same({ 0 }, { left.leases[1].holder, left.leases[2] })
    assert.is_true(breaker.may_admit(left, 1032, POLICY))
    assert.equal(left, breaker.without_holder(left, 1))
  end)

  it("does not count a half-open request that passes after its lease expired", function()
    local record, lease = half_open()
    record = walk(record, { { "admit", 1600 }, { "first_content", 1610, { lease = lease } } })
    assert.equal(0, record.passed)
  end)
end)

describe("breaker, when health checks pass", function()
  local function checked(now_ms, failed_at_ms)
    return { "check_passed", now_ms, { check_failed_at_ms = failed_at_ms or 0 } }
  end

  it("is half-open once its time is over, at most: only requests close it", function()
    local record, effects = walk(opened(), { checked(1030) })
    assert.same({ from = "Open", to = "HalfOpen", reason = "HealthCheckPassed" }, effects.transition)
    assert.equal("HalfOpen", walk(record, { checked(1040), checked(90000) }).state)
    assert.is_true(breaker.may_admit(record, 1040, POLICY))
  end)

  it("stays open before that when they had passed all the while", function()
    assert.equal("Open", walk(opened(), { checked(1029) }).state)
    assert.equal("Open", walk(opened(), { checked(1029, 29) }).state)
  end)

  it("waits for a request then, and says so", function()
    assert.is_true(breaker.UNTRIED[walk(opened(), { checked(1030) }).reason])
  end)

  it("counts a check that failed in the moment in which it opened", function()
    assert.equal("HalfOpen", walk(opened(), { checked(500, opened().since_ms) }).state)
  end)

  it("does not when they had failed, too", function()
    assert.equal("HalfOpen", walk(opened(), { checked(500, 40) }).state)
  end)

  it("says that it waits for a request when its half-open requests ended without a result", function()
    local record, lease = half_open()
    assert.equal("RecoveryTimeoutPassed", walk(record, { checked(1040) }).reason)
    record = walk(record, { { "release", 1040, { lease = lease } }, checked(1050) })
    assert.equal("HealthCheckPassed", record.reason)
    assert.equal(1030, record.since_ms)
  end)

  it("does not care while closed", function()
    local record = breaker.new()
    assert.equal(record, (walk(record, { checked(1) })))
  end)
end)

describe("breaker, when a probe was answered well", function()
  local MINUTE_MS = 60000
  local since_ms = opened().since_ms

  local function probed(now_ms, began_ms)
    return { "probe_passed", now_ms, { probed_at_ms = began_ms } }
  end

  for _, case in ipairs({
    { "that began since it opened", now_ms = 500, began_ms = since_ms + 1, want = "HalfOpen" },
    { "that began this moment", now_ms = 500, began_ms = 500, want = "HalfOpen" },
    { "that began when it opened", now_ms = 500, began_ms = since_ms, want = "Open" },
    { "that began before it opened", now_ms = 500, began_ms = since_ms - 1, want = "Open" },
    { "half an hour ago", now_ms = 30 * MINUTE_MS + 50, began_ms = 50, want = "HalfOpen" },
    { "more than half an hour ago", now_ms = 30 * MINUTE_MS + 51, began_ms = 50, want = "Open" },
    { "by a clock that is ahead", now_ms = 500, began_ms = 501, want = "Open" },
  }) do
    it(case[1] .. ": " .. case.want, function()
      local record = walk(opened(), { probed(case.now_ms, case.began_ms) })
      assert.equal(case.want, record.state)
    end)
  end

  it("says why it is half-open, and at most that: only requests close it", function()
    local record, effects = walk(opened(), { probed(500, 40) })
    assert.same({ from = "Open", to = "HalfOpen", reason = "ProbePassed" }, effects.transition)
    assert.is_true(breaker.may_admit(record, 501, POLICY))
    assert.equal(record, (walk(record, { probed(600, 550) })))
  end)

  it("does so once: what its half-open request finds is newer", function()
    local record, effects = walk(opened(), { probed(500, 40), { "admit", 510 } })
    record = walk(record, { { "failure", 520, { lease = effects.lease } } })
    assert.equal("Open", record.state)
    assert.equal(record, (walk(record, { probed(530, 40) })))
    assert.equal("HalfOpen", walk(record, { probed(600, 530) }).state)
  end)

  it("still opens for longer each time", function()
    local record = opened()
    for now_ms = 500, 2000, 500 do
      local effects
      record, effects = walk(record, { probed(now_ms, now_ms - 10), { "admit", now_ms + 10 } })
      record = walk(record, { { "failure", now_ms + 20, { lease = effects.lease } } })
    end
    assert.equal(3000, record.retry_at_ms - 2020)
  end)

  it("does not care while closed", function()
    local record = breaker.new()
    assert.equal(record, (walk(record, { probed(500, 40) })))
  end)

  it("waits for a request then as after good checks", function()
    local record = walk(opened(), { probed(500, 40) })
    assert.equal(record, (walk(record, { { "check_passed", 600, { check_failed_at_ms = 0 } } })))
  end)
end)

describe("breaker, after recovery", function()
  local function recovered()
    local record, lease = half_open()
    record = walk(record, { { "first_content", 1040, { lease = lease } } })
    local effects
    record, effects = breaker.step(record, "admit", context(1041))
    return walk(record, { { "first_content", 1050, { lease = effects.lease } } })
  end

  it("ignores what was sent before it closed, except for the end of a half-open request", function()
    local record = recovered()
    assert.equal(record, (breaker.step(record, "failure", context(2000, { started_ms = 1049 }))))
    local counted = breaker.step(record, "failure", context(2000, { started_ms = 1041, lease = 2 }))
    assert.equal(1, counted.consecutive)
  end)

  it("goes on counting how often it opened when it fails again soon", function()
    local record = walk(recovered(), { { "complete", 2049 }, { "failure", 2050 }, { "failure", 2051 }, { "failure", 2052 } })
    assert.equal(2, record.opens)
  end)

  it("forgets its past when it stays closed for a recovery time", function()
    local record = walk(recovered(), { { "complete", 2050 }, { "failure", 2050 }, { "failure", 2051 }, { "failure", 2052 } })
    assert.equal(1, record.opens)
  end)
end)
