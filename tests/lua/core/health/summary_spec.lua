local breaker = require "core.health.breaker"
local health = require "core.health.summary"
local healthcheck = require "core.health.check_state"
local pause = require "core.health.pause"
local rest = require "core.health.backoff"

local NOW_MS = 100000

local function with(record, changes)
  for key, value in pairs(changes) do
    record[key] = value
  end
  return record
end

local function told(changes)
  return health.of(with({ mode = "Active", weight = 100, key = "k", key_since_ms = 7, rest = rest.new(),
                          circuits = { breaker.new() } }, changes), NOW_MS)
end

local OPEN = with(breaker.new(), { state = "Open", since_ms = 50, retry_at_ms = 130000 })
local FAILING = with(healthcheck.new(), { state = "Failing", since_ms = 80, failed_at_ms = 90 })

describe("the summary for people", function()
  it("nothing is known of an endpoint before its first answer", function()
    assert.same({ health = "Unknown", reason = "NoDataYet", since_ms = 0, breaker = "Closed" }, told({}))
  end)

  it("healthy since its first good answer, or since its breaker closed", function()
    local well = with(rest.new(), { well_since_ms = 10 })
    assert.equal(10, told({ rest = well }).since_ms)
    assert.same({ health = "Healthy", reason = "Healthy", since_ms = 60, breaker = "Closed" },
                told({ rest = well, circuits = { with(breaker.new(), { since_ms = 60 }) } }))
  end)

  it("an open breaker, since when, and when it is tried again", function()
    assert.same({ health = "Unhealthy", reason = "BreakerOpen", since_ms = 50, retry_at_ms = 130000, breaker = "Open" },
                told({ circuits = { OPEN } }))
  end)

  it("what probes advise to leave out, while that counts", function()
    local out = { weight_percent = 0, reason = "KeepAliveOnly", since_ms = 40, until_ms = NOW_MS + 1 }
    local well = with(rest.new(), { well_since_ms = 10 })
    assert.same({ health = "Unhealthy", reason = "KeepAliveOnly", since_ms = 40, breaker = "Closed" },
                told({ rest = well, advice = out }))
    assert.equal("Healthy", told({ rest = well, advice = with(out, { until_ms = NOW_MS }) }).health)
    assert.equal("Healthy", told({ rest = well, advice = with(out, { until_ms = NOW_MS + 1, weight_percent = 10 }) }).health)
  end)

  it("one sick model does not make an endpoint sick, but shows", function()
    local seen = told({ rest = with(rest.new(), { well_since_ms = 10 }), circuits = { OPEN, breaker.new() } })
    assert.equal("Healthy", seen.health)
    assert.equal("Open", seen.breaker)
  end)

  it("a rest, with its own reason", function()
    local resting = with(rest.new(), { account = with(pause.new(), { until_ms = NOW_MS + 1, since_ms = 9, reason = "RateLimited" }) })
    assert.same({ health = "Unhealthy", reason = "RateLimited", since_ms = 9, retry_at_ms = NOW_MS + 1, breaker = "Closed" },
                told({ rest = resting }))
  end)

  it("a refused key, and no time when that will end", function()
    local down = with(rest.new(), { down_reason = "CredentialsRejected", down_since_ms = 3, down_key = "k" })
    assert.same({ health = "Unhealthy", reason = "CredentialsRejected", since_ms = 3, breaker = "Closed" }, told({ rest = down }))
    assert.equal("NoDataYet", told({ rest = down, key = "another" }).reason)
  end)

  it("what checks say where no request has said anything yet", function()
    local passing = with(healthcheck.new(), { state = "Passing", since_ms = 20 })
    assert.same({ health = "Healthy", reason = "Healthy", since_ms = 20, breaker = "Closed" }, told({ check = passing }))
    assert.equal("NoDataYet", told({ check = healthcheck.new() }).reason)
  end)

  it("well since it came back by its checks, when they had failed", function()
    local back = with(healthcheck.new(), { state = "Passing", since_ms = 70, failed_at_ms = 60 })
    local well = with(rest.new(), { well_since_ms = 10 })
    assert.equal(70, told({ rest = well, check = back }).since_ms)
    assert.equal(10, told({ rest = well, check = with(back, { failed_at_ms = 0 }) }).since_ms)
  end)

  it("failing checks, whatever requests said before", function()
    local well = with(rest.new(), { well_since_ms = 10 })
    assert.same({ health = "Unhealthy", reason = "HealthCheckFailed", since_ms = 80, breaker = "Closed" },
                told({ rest = well, check = FAILING }))
  end)

  it("an open breaker as long as that is what keeps requests out, then failing checks", function()
    assert.equal("BreakerOpen", told({ circuits = { OPEN }, check = FAILING }).reason)
    local over = with(breaker.new(), { state = "Open", since_ms = 50, retry_at_ms = NOW_MS })
    local seen = told({ circuits = { over }, check = FAILING })
    assert.same({ "HealthCheckFailed", "Open" }, { seen.reason, seen.breaker })
  end)

  it("half-open and tried, or half-open and waiting for a request", function()
    local tried = with(breaker.new(), { state = "HalfOpen", since_ms = 50, reason = "RecoveryTimeoutPassed" })
    local waits = with(breaker.new(), { state = "HalfOpen", since_ms = 50, reason = "HealthCheckPassed" })
    assert.same({ health = "Unhealthy", reason = "BreakerHalfOpen", since_ms = 50, breaker = "HalfOpen" },
                told({ circuits = { tried, waits } }))
    assert.same({ health = "Unknown", reason = "AwaitingTraffic", since_ms = 50, breaker = "HalfOpen" },
                told({ circuits = { waits, with(waits, { reason = "ProbePassed" }) } }))
  end)

  it("a missing key before all else that is wrong", function()
    local view = { mode = "Active", weight = 100, key_since_ms = 7, rest = rest.new(), circuits = { OPEN } }
    assert.equal("SecretNotFound", health.of(view, NOW_MS).reason)
  end)

  it("what was switched off is neither well nor ill", function()
    assert.equal("Disabled", told({ mode = "Disabled", circuits = { OPEN } }).reason)
    assert.equal("Drained", told({ weight = 0 }).reason)
  end)
end)
