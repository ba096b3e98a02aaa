local healthcheck = require "core.health.check_state"

local POLICY = { unhealthy_threshold = 3, healthy_threshold = 2, interval_ms = 10000 }

-- Walks a record through results, one a second; gives the record and the last effects.
local function walk(record, ...)
  local effects = {}
  for i, result in ipairs({ ... }) do
    local context = { now_ms = i * 1000, policy = POLICY, result = result }
    record, effects = healthcheck.step(record, healthcheck.EVENTS[result], context)
  end
  return record, effects
end

local function failing()
  return walk(healthcheck.new(), "TimedOut", "TimedOut", "BadStatus")
end

describe("health checks", function()
  it("that were never made say nothing", function()
    assert.equal("Untested", healthcheck.new().state)
  end)

  it("make an endpoint well with the first good one", function()
    local record, effects = walk(healthcheck.new(), "Passed")
    assert.equal("Passing", record.state)
    assert.equal(1000, record.since_ms)
    assert.is_nil(effects.transition)
  end)

  it("take it out of rotation after so many bad ones in a row, and remember what was seen", function()
    local record, effects = failing()
    assert.equal("Failing", record.state)
    assert.same({ from = "InService", to = "OutOfService", reason = "HealthCheckFailed" }, effects.transition)
    assert.same({ "BadStatus", 3000 }, { record.result, record.failed_at_ms })
  end)

  it("start counting again with a good one, an answered request, or a refused key", function()
    for _, result in ipairs({ "Passed", "Answered", "Spared" }) do
      assert.equal("Passing", walk(healthcheck.new(), "TimedOut", "TimedOut", result, "TimedOut", "TimedOut").state)
    end
    local record = walk(healthcheck.new(), "Passed", "CredentialsRejected")
    assert.equal(0, record.good)
  end)

  it("bring it back after so many good ones in a row", function()
    local record = walk(failing(), "Passed", "TimedOut", "Passed")
    assert.equal("Failing", record.state)
    local effects
    record, effects = walk(record, "Passed")
    assert.equal("Passing", record.state)
    assert.same({ from = "OutOfService", to = "InService", reason = "HealthCheckPassed" }, effects.transition)
  end)

  it("change nothing more once all is well: no worker need read anything again", function()
    local record = walk(healthcheck.new(), "Passed", "Passed")
    assert.equal(record, (walk(record, "Passed")))
  end)

  it("may be leaned on after so many good ones in a row", function()
    local record = walk(healthcheck.new(), "Passed")
    assert.is_false(healthcheck.is_sure(record, POLICY))
    assert.is_true(healthcheck.is_sure(walk(record, "Passed"), POLICY))
    assert.is_false(healthcheck.is_sure(walk(record, "Passed", "TimedOut"), POLICY))
  end)

  it("have a meaning for every state", function()
    for state, events in pairs(healthcheck.TABLE) do
      for _, event in ipairs({ "good", "bad", "refused" }) do
        assert.is_function(events[event], state .. " " .. event)
      end
    end
  end)
end)

describe("candidates whose checks fail", function()
  local well, ill, worse = { is_failing = false }, { is_failing = true }, { is_failing = true }

  it("are left out", function()
    assert.same({ well }, healthcheck.leave_out({ ill, well, worse }, false))
  end)

  it("are tried when nothing else is left", function()
    assert.same({ ill, worse }, healthcheck.leave_out({ ill, worse }, false))
  end)

  it("are not when another is only full", function()
    assert.same({}, healthcheck.leave_out({ ill, worse }, true))
  end)
end)

describe("the next check", function()
  it("is an interval away, a tenth more or less", function()
    local record = healthcheck.new()
    assert.equal(9000, healthcheck.next_due_ms(record, 0, POLICY, 0))
    assert.equal(10000, healthcheck.next_due_ms(record, 0, POLICY, 0.5))
  end)

  it("comes for each endpoint within two seconds, and not for all at once", function()
    assert.equal(100, healthcheck.first_due_ms(100, POLICY, 0))
    assert.equal(1600, healthcheck.first_due_ms(100, POLICY, 0.75))
  end)

  it("comes within the interval where that is shorter", function()
    assert.equal(600, healthcheck.first_due_ms(100, { interval_ms = 1000 }, 0.5))
  end)

  it("comes ever later while the key is refused, up to five minutes", function()
    local record, due = healthcheck.new(), {}
    for i = 1, 6 do
      record = walk(record, "CredentialsRejected")
      due[i] = healthcheck.next_due_ms(record, 0, POLICY, 0.5)
    end
    assert.same({ 20000, 40000, 80000, 160000, 300000, 300000 }, due)
    assert.equal(10000, healthcheck.next_due_ms(walk(record, "BalanceExhausted"), 0, POLICY, 0.5))
  end)
end)
