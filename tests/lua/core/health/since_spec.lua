local backoff = require "core.health.backoff"
local breaker = require "core.health.breaker"
local pause = require "core.health.pause"
local since = require "core.health.since"

local RETRY = { busy_backoff_ms = { 5000 }, honor_retry_after = true }

local function known(changes)
  local found = { circuits = {}, backoff = backoff.new(), key = { version = "" } }
  for name, value in pairs(changes) do
    found[name] = value
  end
  return found
end


local function paused(times_ms)
  local record = backoff.new()
  for _, at_ms in ipairs(times_ms) do
    record.account = pause.failed(record.account, "busy", { reason = "Busy" },
                                  { now_ms = at_ms, started_ms = at_ms, retry = RETRY })
  end
  return record
end


describe("since when an endpoint is kept from requests", function()
  it("does not begin again with each failed half-open request of a breaker", function()
    local policy = { recovery_timeout_ms = 100, max_recovery_timeout_ms = 100, half_open_max_requests = 1,
                     consecutive_failures = 1, error_rate_percent = 100, minimum_requests = 100 }
    local function context(now_ms, lease)
      return { now_ms = now_ms, started_ms = now_ms, policy = policy, random = 0, reason = "Busy", lease = lease,
               lease_ms = 1000, holder = 0, window = { ok = 0, failed = 1 } }
    end
    local record = breaker.step(breaker.new(), "failure", context(1000))
    local effects
    for _, at_ms in ipairs({ 2000, 3000 }) do
      record, effects = breaker.step(record, "admit", context(at_ms))
      record = breaker.step(record, "failure", context(at_ms + 1, effects.lease))
    end
    assert.equal("Open", record.state)
    assert.equal(1000, since.causes(known({ circuits = { record } }), nil, 5000).breaker)
    record, effects = breaker.step(record, "admit", context(6000))
    record = breaker.step(record, "first_content", context(6001, effects.lease))
    assert.equal(0, since.causes(known({ circuits = { record } }), nil, 7000).breaker)
  end)

  it("does not begin again with each failure of a backoff, between them too", function()
    local record = paused({ 1000, 7000, 13000 })
    assert.equal(1000, since.causes(known({ backoff = record }), nil, 14000).backoff)
    assert.equal(1000, since.causes(known({ backoff = record }), nil, 20000).backoff)
    assert.equal(0, since.causes(known({ backoff = backoff.success(record, "m", 21000, 20000) }), nil, 21000).backoff)
  end)

  it("ends when nobody has asked for long after a backoff", function()
    assert.equal(0, since.causes(known({ backoff = paused({ 1000 }) }), nil, 70000).backoff)
  end)

  it("is known by cause", function()
    local found = since.causes(known({
      check = { state = "Failing", since_ms = 5 }, key = { missing = true, since_ms = 6 },
    }), { weight_percent = 0, since_ms = 7, until_ms = 100 }, 50)
    assert.same({ breaker = 0, backoff = 0, credential = 6, health_check = 5, probe = 7 }, found)
  end)
end)
