local rest = require "core.health.backoff"

local function context(now_ms, changes)
  local made = { now_ms = now_ms, started_ms = now_ms, retry = { busy_backoff_ms = { 5000, 10000, 30000 }, honor_retry_after = true },
                 long_rest_ms = 300000, key = "key-1", asked = "chat m" }
  for key, value in pairs(changes or {}) do
    made[key] = value
  end
  return made
end

local BUSY = { class = "Busy", reason = "Busy" }
local REJECTED = { class = "Credential", reason = "CredentialsRejected" }

describe("an endpoint that is busy", function()
  it("rests longer each time in a row, up to the last step", function()
    local record, now_ms = rest.new(), 0
    for _, want_ms in ipairs({ 5000, 10000, 30000, 30000 }) do
      record = rest.failure(record, "backoff", BUSY, context(now_ms))
      assert.equal(now_ms + want_ms, record.rest_until_ms)
      assert.is_false(rest.allows(record, "chat m", "key-1", now_ms + want_ms - 1))
      now_ms = now_ms + want_ms
      assert.is_true(rest.allows(record, "chat m", "key-1", now_ms))
    end
  end)

  it("is not busy twice in a row when it refuses what was under way when it went to rest", function()
    local record = rest.failure(rest.new(), "backoff", BUSY, context(100, { started_ms = 0 }))
    for now_ms = 101, 110 do
      record = rest.failure(record, "backoff", BUSY, context(now_ms, { started_ms = 50 }))
    end
    assert.equal(1, record.row)
    assert.equal(5100, record.rest_until_ms)
    record = rest.failure(record, "backoff", BUSY, context(5200, { started_ms = 5100 }))
    assert.equal(15200, record.rest_until_ms)
  end)

  it("rests on when an answer comes to what was sent before it went to rest", function()
    local record = rest.failure(rest.new(), "backoff", BUSY, context(100, { started_ms = 50 }))
    assert.equal(record, rest.success(record, 120, 99))
    assert.equal(0, rest.success(record, 6000, 5900).rest_until_ms)
  end)

  it("starts over after a good answer", function()
    local record = rest.failure(rest.new(), "backoff", BUSY, context(0))
    record = rest.failure(rest.success(record, 6000, 6000), "backoff", BUSY, context(7000))
    assert.equal(12000, record.rest_until_ms)
  end)

  it("rests as long as it asks for, when that is longer and is honoured", function()
    local asked = { class = "RateLimited", reason = "RateLimited", retry_after_ms = 60000 }
    local ignore = { busy_backoff_ms = { 5000 }, honor_retry_after = false }
    assert.equal(60000, rest.failure(rest.new(), "backoff", asked, context(0)).rest_until_ms)
    assert.equal(5000, rest.failure(rest.new(), "backoff", asked, context(0, { retry = ignore })).rest_until_ms)
    asked.retry_after_ms = 100
    assert.equal(5000, rest.failure(rest.new(), "backoff", asked, context(0)).rest_until_ms)
  end)

  it("is believed for ten minutes about its ceiling, which never raises the declared one", function()
    local limited = { class = "RateLimited", reason = "RateLimited", limit = 25 }
    local record = rest.failure(rest.new(), "backoff", limited, context(0))
    assert.equal(25, rest.ceiling(record, 50, 1000))
    assert.equal(10, rest.ceiling(record, 10, 1000))
    assert.equal(50, rest.ceiling(record, 50, 600000))
  end)
end)

describe("an endpoint that is rate limited", function()
  local LIMITED = { class = "RateLimited", reason = "RateLimited", retry_after_ms = 7000 }

  it("may be waited for when its provider said when it is back", function()
    local record = rest.failure(rest.new(), "limited", LIMITED, context(0))
    assert.equal(7000, rest.said_until_ms(record, 6999))
    assert.is_nil(rest.said_until_ms(record, 7000))
  end)

  it("may not when that said nothing, is not honoured, or is only busy", function()
    local silent = { class = "RateLimited", reason = "RateLimited" }
    local ignore = { busy_backoff_ms = { 5000 }, honor_retry_after = false }
    assert.is_nil(rest.said_until_ms(rest.failure(rest.new(), "limited", silent, context(0)), 1))
    assert.is_nil(rest.said_until_ms(rest.failure(rest.new(), "limited", LIMITED, context(0, { retry = ignore })), 1))
    local busy = rest.failure(rest.failure(rest.new(), "limited", LIMITED, context(0)), "backoff", BUSY, context(1))
    assert.is_nil(rest.said_until_ms(busy, 2))
  end)
end)

describe("an endpoint that refuses the key", function()
  it("is out of service until the key file changes", function()
    local record, change = rest.failure(rest.new(), "down", REJECTED, context(0))
    assert.same({ from = "InService", to = "OutOfService", reason = "CredentialsRejected" }, change)
    assert.is_false(rest.allows(record, "chat m", "key-1", 1e12))
    assert.is_true(rest.allows(record, "chat m", "key-2", 1))
  end)

  it("says so once", function()
    local record = rest.failure(rest.new(), "down", REJECTED, context(0))
    local _, change = rest.failure(record, "down", REJECTED, context(1))
    assert.is_nil(change)
  end)

  it("is asked again after a while when only the balance was gone, or when it needs no key", function()
    local empty = { class = "Credential", reason = "BalanceExhausted" }
    local record = rest.failure(rest.new(), "down", empty, context(0))
    assert.is_false(rest.allows(record, "chat m", "key-1", 299999))
    assert.is_true(rest.allows(record, "chat m", "key-1", 300000))
    record = rest.failure(rest.new(), "down", REJECTED, context(0, { key = "" }))
    assert.is_true(rest.allows(record, "m", "", 300000))
  end)
end)

describe("health checks that pass", function()
  local EMPTY = { class = "Credential", reason = "BalanceExhausted" }
  local KEY, BOTH = { key = true }, { key = true, balance = true }

  local function down(outcome, changes)
    return rest.failure(rest.new(), "down", outcome, context(0, changes))
  end

  it("end what they prove to be over", function()
    local record, change = rest.proved(down(REJECTED), KEY)
    assert.is_true(rest.allows(record, "m", "key-1", 1))
    assert.same({ from = "OutOfService", to = "InService", reason = "HealthCheckPassed" }, change)
    assert.is_true(rest.allows(rest.proved(down(EMPTY), BOTH), "m", "key-1", 1))
  end)

  it("and nothing else", function()
    for _, case in ipairs({ { down(REJECTED), {} }, { down(EMPTY), KEY }, { rest.new(), BOTH } }) do
      assert.equal(case[1], (rest.proved(case[1], case[2])))
    end
  end)

  it("take back what a check laid down, whatever they prove", function()
    assert.is_true(rest.allows(rest.proved(down(REJECTED, { is_check = true }), {}), "m", "key-1", 1))
  end)

  it("keep a pause that the provider asked for", function()
    local record = rest.failure(rest.new(), "backoff", { class = "RateLimited", reason = "RateLimited" }, context(0))
    assert.equal(record, (rest.proved(record, BOTH)))
  end)

  it("that fail again do not move the time since when it is so", function()
    local record = rest.failure(down(EMPTY, { is_check = true }), "down", EMPTY, context(9000, { is_check = true }))
    assert.equal(0, record.down_since_ms)
    assert.equal(309000, record.down_until_ms)
  end)
end)

describe("a model that an endpoint does not have", function()
  it("by its own list rests until the list has it", function()
    local list_context = { now_ms = 0, long_rest_ms = 1000 }
    local record = rest.listed(rest.new(), { m = false, other = true }, list_context)
    assert.is_false(rest.allows(record, "m", "key-1", 999))
    assert.is_true(rest.allows(record, "other", "key-1", 1))
    assert.equal(record, rest.listed(record, { m = false }, list_context))
    assert.is_true(rest.allows(rest.listed(record, { m = true }, list_context), "m", "key-1", 1))
  end)

  it("rests alone", function()
    local record = rest.failure(rest.new(), "model", { class = "ModelMissing", reason = "ModelMissing" }, context(0))
    assert.is_false(rest.allows(record, "chat m", "key-1", 1))
    assert.is_true(rest.allows(record, "chat other", "key-1", 1))
    assert.is_true(rest.allows(record, "messages m", "key-1", 1))
    assert.is_true(rest.allows(record, "chat m", "key-1", 300000))
  end)
end)

describe("a good answer", function()
  it("is remembered by its first time", function()
    local record = rest.success(rest.new(), 5, 5)
    assert.equal(5, record.well_since_ms)
    assert.equal(record, rest.success(record, 9, 9))
  end)

  it("tells that an endpoint is in service again, and nothing where it never was out", function()
    local record = rest.failure(rest.new(), "down", REJECTED, context(0))
    local back, change = rest.success(record, 5, 5)
    assert.equal("", back.down_reason)
    assert.same({ from = "OutOfService", to = "InService", reason = "Answered" }, change)
    assert.is_nil((select(2, rest.success(back, 6, 6))))
    assert.is_nil((select(2, rest.success(rest.new(), 6, 6))))
  end)

  it("does not hide the last error", function()
    local record = rest.failure(rest.new(), nil, { class = "Connect", reason = "ConnectFailed" }, context(3))
    assert.equal("Connect", rest.success(record, 5, 5).error_class)
  end)
end)
