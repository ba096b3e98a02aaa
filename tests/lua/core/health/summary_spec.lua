local breaker = require "core.health.breaker"
local health = require "core.health.summary"
local healthcheck = require "core.health.check_state"
local pause = require "core.health.pause"
local backoff = require "core.health.backoff"

local NOW_MS = 100000

local function with(record, changes)
  for key, value in pairs(changes) do
    record[key] = value
  end
  return record
end

local function shown(changes)
  return health.of(with({ mode = "Active", weight = 100, key = "k", key_since_ms = 7, backoff = backoff.new(),
                          circuits = { breaker.new() } }, changes), NOW_MS)
end

local OPEN = with(breaker.new(), { state = "Open", since_ms = 50, retry_at_ms = 130000 })
local FAILING = with(healthcheck.new(), { state = "Failing", since_ms = 80, failed_at_ms = 90 })

describe("the summary for people", function()
  it("nothing is known of an endpoint before its first answer", function()
    assert.same({ health = "Unknown", reason = "NoDataYet", since_ms = 0, breaker = "Closed" }, shown({}))
  end)

  it("healthy since its first good answer, or since its breaker closed", function()
    local well = with(backoff.new(), { well_since_ms = 10 })
    assert.equal(10, shown({ backoff = well }).since_ms)
    assert.same({ health = "Healthy", reason = "Healthy", since_ms = 60, breaker = "Closed" },
                shown({ backoff = well, circuits = { with(breaker.new(), { since_ms = 60 }) } }))
  end)

  it("all its models are gone, by its own words; one that is left is enough, and so is the end of that belief", function()
    local gone = with(backoff.new(), { well_since_ms = 10, missing = { ["chat m"] = NOW_MS + 400, ["chat n"] = NOW_MS + 900 } })
    local function of(all_asked)
      return shown({ backoff = gone, all_asked = all_asked, long_backoff_ms = 1000 })
    end
    assert.same({ health = "Unhealthy", reason = "ModelMissing", since_ms = NOW_MS - 600, retry_at_ms = NOW_MS + 400,
                  breaker = "Closed" }, of({ "chat m", "chat n" }))
    assert.equal("Healthy", of({ "chat m", "chat other" }).health)
    assert.equal("Healthy", of({}).health)
    gone.missing["chat m"] = NOW_MS
    assert.equal("Healthy", of({ "chat m", "chat n" }).health)
  end)

  it("an open breaker, since when, and when it is tried again", function()
    assert.same({ health = "Unhealthy", reason = "BreakerOpen", since_ms = 50, retry_at_ms = 130000, breaker = "Open" },
                shown({ circuits = { OPEN } }))
  end)

  it("what probes advise to leave out, while that counts", function()
    local out = { weight_percent = 0, reason = "KeepAliveOnly", since_ms = 40, until_ms = NOW_MS + 1 }
    local well = with(backoff.new(), { well_since_ms = 10 })
    assert.same({ health = "Unhealthy", reason = "KeepAliveOnly", since_ms = 40, breaker = "Closed" },
                shown({ backoff = well, advice = out }))
    assert.equal("Healthy", shown({ backoff = well, advice = with(out, { until_ms = NOW_MS }) }).health)
    assert.equal("Healthy", shown({ backoff = well, advice = with(out, { until_ms = NOW_MS + 1, weight_percent = 10 }) }).health)
  end)

  it("one sick model does not make an endpoint sick, but shows", function()
    local seen = shown({ backoff = with(backoff.new(), { well_since_ms = 10 }), circuits = { OPEN, breaker.new() } })
    assert.equal("Healthy", seen.health)
    assert.equal("Open", seen.breaker)
  end)

  it("a backoff, with its own reason", function()
    local in_backoff = with(backoff.new(), { account = with(pause.new(), { until_ms = NOW_MS + 1, since_ms = 9, reason = "RateLimited" }) })
    assert.same({ health = "Unhealthy", reason = "RateLimited", since_ms = 9, retry_at_ms = NOW_MS + 1, breaker = "Closed" },
                shown({ backoff = in_backoff }))
  end)

  it("a refused key, and no time when that will end", function()
    local down = with(backoff.new(), { down_reason = "CredentialsRejected", down_since_ms = 3, down_key = "k" })
    assert.same({ health = "Unhealthy", reason = "CredentialsRejected", since_ms = 3, breaker = "Closed" }, shown({ backoff = down }))
    assert.equal("NoDataYet", shown({ backoff = down, key = "another" }).reason)
  end)

  it("what checks say where no request has said anything yet", function()
    local passing = with(healthcheck.new(), { state = "Passing", since_ms = 20 })
    assert.same({ health = "Healthy", reason = "Healthy", since_ms = 20, breaker = "Closed" }, shown({ check = passing }))
    assert.equal("NoDataYet", shown({ check = healthcheck.new() }).reason)
  end)

  it("well since it came back by its checks, when they had failed", function()
    local back = with(healthcheck.new(), { state = "Passing", since_ms = 70, failed_at_ms = 60 })
    local well = with(backoff.new(), { well_since_ms = 10 })
    assert.equal(70, shown({ backoff = well, check = back }).since_ms)
    assert.equal(10, shown({ backoff = well, check = with(back, { failed_at_ms = 0 }) }).since_ms)
  end)

  it("failing checks, whatever requests said before", function()
    local well = with(backoff.new(), { well_since_ms = 10 })
    assert.same({ health = "Unhealthy", reason = "HealthCheckFailed", since_ms = 80, breaker = "Closed" },
                shown({ backoff = well, check = FAILING }))
  end)

  it("an open breaker as long as that is what keeps requests out, then failing checks", function()
    assert.equal("BreakerOpen", shown({ circuits = { OPEN }, check = FAILING }).reason)
    local over = with(breaker.new(), { state = "Open", since_ms = 50, retry_at_ms = NOW_MS })
    local seen = shown({ circuits = { over }, check = FAILING })
    assert.same({ "HealthCheckFailed", "Open" }, { seen.reason, seen.breaker })
  end)

  it("half-open and tried, or half-open and waiting for a request", function()
    local tried = with(breaker.new(), { state = "HalfOpen", since_ms = 50, reason = "RecoveryTimeoutPassed" })
    local waits = with(breaker.new(), { state = "HalfOpen", since_ms = 50, reason = "HealthCheckPassed" })
    assert.same({ health = "Unhealthy", reason = "BreakerHalfOpen", since_ms = 50, breaker = "HalfOpen" },
                shown({ circuits = { tried, waits } }))
    assert.same({ health = "Unknown", reason = "AwaitingTraffic", since_ms = 50, breaker = "HalfOpen" },
                shown({ circuits = { waits, with(waits, { reason = "ProbePassed" }) } }))
  end)

  it("a missing key before all else that is wrong", function()
    local view = { mode = "Active", weight = 100, key_since_ms = 7, backoff = backoff.new(), circuits = { OPEN } }
    assert.equal("SecretNotFound", health.of(view, NOW_MS).reason)
  end)

  it("what was switched off is neither well nor ill", function()
    assert.equal("Disabled", shown({ mode = "Disabled", circuits = { OPEN } }).reason)
    assert.equal("Drained", shown({ weight = 0 }).reason)
  end)
end)
