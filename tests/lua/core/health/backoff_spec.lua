local backoff = require "core.health.backoff"

local function context(now_ms, changes)
  local made = { now_ms = now_ms, started_ms = now_ms, retry = { busy_backoff_ms = { 5000, 10000, 30000 }, honor_retry_after = true },
                 long_backoff_ms = 300000, key = "key-1", asked = "chat m", model = "m", digest = "1" }
  for key, value in pairs(changes or {}) do
    made[key] = value
  end
  return made
end

local BUSY = { class = "Busy", reason = "Busy" }
local REJECTED = { class = "Credential", reason = "CredentialsRejected" }

describe("an endpoint behind a firewall", function()
  local BLOCKED = { class = "Incompatible", reason = "FirewallBlocked" }

  local function blocked(record, now_ms, digest)
    return backoff.failure(record, "blocked", BLOCKED, context(now_ms, { digest = digest }))
  end

  local function allows(record, now_ms)
    return backoff.allows(record, "chat m", "m", "key-1", now_ms)
  end

  it("stays while one request is blocked, as often as that is sent", function()
    local record = backoff.new()
    for now_ms = 1, 9 do
      record = blocked(record, now_ms, "1")
    end
    assert.is_true(allows(record, 10))
  end)

  it("has a backoff when three different requests in a row are blocked, and is tried every ten seconds", function()
    local record = blocked(blocked(blocked(backoff.new(), 1, "1"), 2, "2"), 3, "3")
    assert.is_false(allows(record, 4))
    assert.is_false(allows(record, 10002))
    assert.is_true(allows(record, 10003))
    record = blocked(record, 10003, "4")
    assert.is_false(allows(record, 20002))
    assert.is_true(allows(record, 20003))
    assert.is_true(allows(backoff.success(record, "m", 20010, 20003), 20011))
  end)

  it("stays when an answer comes between", function()
    local record = blocked(blocked(backoff.new(), 1, "1"), 2, "2")
    record = blocked(backoff.success(record, "m", 4, 3), 5, "3")
    assert.is_true(allows(record, 6))
  end)
end)

describe("an endpoint that is busy", function()
  it("has a longer backoff each time in a row, up to the last step", function()
    local record, now_ms = backoff.new(), 0
    for _, want_ms in ipairs({ 5000, 10000, 30000, 30000 }) do
      record = backoff.failure(record, "busy", BUSY, context(now_ms))
      assert.equal(now_ms + want_ms, record.account.until_ms)
      assert.is_false(backoff.allows(record, "chat m", "m", "key-1", now_ms + math.min(want_ms, 10000) - 1))
      now_ms = now_ms + want_ms
      assert.is_true(backoff.allows(record, "chat m", "m", "key-1", now_ms))
    end
  end)

  it("is not busy twice in a row when it refuses what was under way when its backoff began", function()
    local record = backoff.failure(backoff.new(), "busy", BUSY, context(100, { started_ms = 0 }))
    for now_ms = 101, 110 do
      record = backoff.failure(record, "busy", BUSY, context(now_ms, { started_ms = 50 }))
    end
    assert.equal(1, record.account.row)
    assert.equal(5100, record.account.until_ms)
    record = backoff.failure(record, "busy", BUSY, context(5200, { started_ms = 5100 }))
    assert.equal(15200, record.account.until_ms)
  end)

  it("stays in backoff when an answer comes to what was sent before its backoff began", function()
    local record = backoff.failure(backoff.new(), "busy", BUSY, context(100, { started_ms = 50 }))
    assert.equal(record, backoff.success(record, "m", 120, 99))
    assert.equal(0, backoff.success(record, "m", 6000, 5900).account.until_ms)
  end)

  it("starts over after a good answer", function()
    local record = backoff.failure(backoff.new(), "busy", BUSY, context(0))
    record = backoff.failure(backoff.success(record, "m", 6000, 6000), "busy", BUSY, context(7000))
    assert.equal(12000, record.account.until_ms)
  end)

  it("has a backoff of the time that it asks for, when that is longer and is honoured", function()
    local asked = { class = "RateLimited", reason = "RateLimited", retry_after_ms = 60000 }
    local ignore = { busy_backoff_ms = { 5000 }, honor_retry_after = false }
    assert.equal(60000, backoff.failure(backoff.new(), "busy", asked, context(0)).account.until_ms)
    assert.equal(5000, backoff.failure(backoff.new(), "busy", asked, context(0, { retry = ignore })).account.until_ms)
    asked.retry_after_ms = 100
    assert.equal(5000, backoff.failure(backoff.new(), "busy", asked, context(0)).account.until_ms)
    assert.equal(100, backoff.failure(backoff.new(), "limited", asked, context(0)).account.until_ms)
  end)

  it("names a connection limit that holds for ten minutes, and never raises the declared one", function()
    local limited = { class = "RateLimited", reason = "RateLimited", limit = 25 }
    local record = backoff.failure(backoff.new(), "busy", limited, context(0))
    assert.equal(25, backoff.ceiling(record, 50, 1000))
    assert.equal(10, backoff.ceiling(record, 10, 1000))
    assert.equal(50, backoff.ceiling(record, 50, 600000))
  end)
end)

describe("an endpoint that is rate limited", function()
  local LIMITED = { class = "RateLimited", reason = "RateLimited", retry_after_ms = 7000 }

  it("may be waited for when its provider said when it is back", function()
    local record = backoff.failure(backoff.new(), "limited", LIMITED, context(0))
    assert.equal(7000, backoff.said_until_ms(record, "m", 6999))
    assert.is_nil(backoff.said_until_ms(record, "m", 7000))
  end)

  it("may not when that said nothing, is not honoured, or is only busy", function()
    local silent = { class = "RateLimited", reason = "RateLimited" }
    local ignore = { busy_backoff_ms = { 5000 }, honor_retry_after = false }
    assert.is_nil(backoff.said_until_ms(backoff.failure(backoff.new(), "limited", silent, context(0)), "m", 1))
    assert.is_nil(backoff.said_until_ms(backoff.failure(backoff.new(), "limited", LIMITED, context(0, { retry = ignore })), "m", 1))
    local busy = backoff.failure(backoff.failure(backoff.new(), "limited", LIMITED, context(0)), "busy", BUSY, context(1))
    assert.is_nil(backoff.said_until_ms(busy, "m", 2))
  end)
end)

describe("a backoff of more than ten seconds", function()
  local function long(outcome, kind)
    local long_retry = { busy_backoff_ms = { 30000 }, honor_retry_after = true }
    return backoff.failure(backoff.new(), kind or "busy", outcome or BUSY, context(0, { retry = long_retry }))
  end

  local function may_go(record, now_ms)
    return (select(2, backoff.admit(record, "m", now_ms)))
  end

  it("lets one request through each ten seconds", function()
    local record = long()
    assert.is_false(may_go(record, 9999))
    local tried, admitted = backoff.admit(record, "m", 10000)
    assert.is_true(admitted)
    assert.is_false(may_go(tried, 10001))
    assert.is_true(may_go(tried, 20000))
    assert.is_true(backoff.is_half_open(record, "m", 10000))
    assert.is_false(backoff.is_half_open(record, "m", 30000))
  end)

  it("is over when that one is answered", function()
    local record = backoff.success(backoff.admit(long(), "m", 10000), "m", 10500, 10000)
    assert.is_true(may_go(record, 10501))
    assert.is_false(backoff.is_half_open(record, "m", 10501))
  end)

  it("is kept to its end when the provider asked for it", function()
    local asked = { class = "RateLimited", reason = "RateLimited", retry_after_ms = 60000 }
    assert.is_false(may_go(long(asked, "limited"), 59999))
    assert.is_false(may_go(long({ class = "Busy", reason = "Busy", retry_after_ms = 60000 }), 59999))
  end)

  it("finds out who was busy for a minute within twelve seconds, and asks eight times at most", function()
    local record, asked, back_ms = backoff.new(), 0, nil
    for now_ms = 0, 80000, 4000 do
      local after, admitted = backoff.admit(record, "m", now_ms)
      record = after
      if admitted and now_ms < 60000 then
        asked, record = asked + 1, backoff.failure(record, "busy", BUSY, context(now_ms))
      elseif admitted then
        back_ms, record = back_ms or now_ms, backoff.success(record, "m", now_ms, now_ms)
      end
    end
    assert.is_true(asked <= 8)
    assert.is_true(back_ms <= 72000)
  end)
end)

describe("a backoff of one model", function()
  local function of_x(kind, outcome)
    return backoff.failure(backoff.new(), kind, outcome, context(0, { scope = "x", model = "x" }))
  end

  it("leaves the others alone", function()
    local record = of_x("busy", BUSY)
    assert.is_false(backoff.allows(record, "chat x", "x", "key-1", 1))
    assert.is_true(backoff.allows(record, "chat m", "m", "key-1", 1))
    assert.is_nil(backoff.shown(record, { "x", "m" }, 1))
    assert.equal("Busy", backoff.shown(record, { "x" }, 1).reason)
  end)

  it("ends by an answer of that model, and not by another's", function()
    local record = of_x("busy", BUSY)
    assert.is_false(backoff.allows(backoff.success(record, "m", 2, 1), "chat x", "x", "key-1", 3))
    assert.is_true(backoff.allows(backoff.success(record, "x", 2, 1), "chat x", "x", "key-1", 3))
  end)

  it("is waited for as long as its provider said", function()
    local record = of_x("limited", { class = "RateLimited", reason = "RateLimited", retry_after_ms = 700 })
    assert.equal(700, backoff.said_until_ms(record, "x", 1))
    assert.is_nil(backoff.said_until_ms(record, "m", 1))
    assert.equal("RateLimited", backoff.reason(record, "x", 1))
    assert.is_nil(backoff.reason(record, "m", 1))
  end)
end)

-- Refusals one after the other: {digest, model}, each a second after the one before.
local function refused(requests, changes, record)
  local change
  for i, one in ipairs(requests) do
    local refusal = context((i - 1) * 1000, { digest = one[1], model = one[2] or "m" })
    for key, value in pairs(changes or {}) do
      refusal[key] = value
    end
    record, change = backoff.failure(record or backoff.new(), "refused", REJECTED, refusal)
  end
  return record, change
end

describe("a refused key", function()
  it("is no evidence against the endpoint while it is refused for one request only", function()
    local record, change = refused({ { "1" }, { "1" }, { "1" }, { "1" }, { "2" } })
    assert.is_nil(change)
    assert.is_true(backoff.allows(record, "chat m", "m", "key-1", 5000))
  end)

  it("is not sent with the very same request again for a while", function()
    local record = refused({ { "1" } })
    assert.equal(10000, backoff.refused_until_ms(record, "1", "key-1", 1))
    assert.is_nil(backoff.refused_until_ms(record, "1", "key-1", 10000))
    assert.is_nil(backoff.refused_until_ms(record, "2", "key-1", 1))
    assert.is_nil(backoff.refused_until_ms(record, "1", "key-2", 1))
  end)

  it("for different requests takes the endpoint out of service, until the key changes or for a while", function()
    local record, change = refused({ { "1" }, { "2" }, { "3" } })
    assert.same({ from = "InService", to = "OutOfService", reason = "CredentialsRejected" }, change)
    assert.is_false(backoff.allows(record, "chat m", "m", "key-1", 301999))
    assert.is_true(backoff.allows(record, "chat m", "m", "key-1", 302000))
    assert.is_true(backoff.allows(record, "chat m", "m", "key-2", 2001))
  end)

  it("is out again at once when it is refused after that while", function()
    local record = refused({ { "1" }, { "2" }, { "3" } })
    record = backoff.failure(record, "refused", REJECTED, context(400000, { digest = "4" }))
    assert.is_false(backoff.allows(record, "chat m", "m", "key-1", 400001))
  end)

  it("for different requests with an answer between them takes nothing out", function()
    local record = refused({ { "1" }, { "2" } })
    record = refused({ { "3" }, { "4" } }, {}, backoff.success(record, "m", 3000, 3000))
    assert.is_true(backoff.allows(record, "chat m", "m", "key-1", 5000))
  end)

  it("for one model only is about that model, where there are others", function()
    local record, change = refused({ { "1", "x" }, { "2", "x" }, { "3", "x" } }, { scope = "x" })
    assert.is_nil(change)
    assert.is_false(backoff.allows(record, "chat x", "x", "key-1", 3000))
    assert.is_true(backoff.allows(record, "chat m", "m", "key-1", 3000))
    record = refused({ { "1", "x" }, { "2", "m" }, { "3", "x" } }, { scope = "x" })
    assert.is_false(backoff.allows(record, "chat m", "m", "key-1", 3000))
  end)

  it("by a health check takes it out at once, until the key changes", function()
    local record, change = backoff.failure(backoff.new(), "refused", REJECTED, context(0, { is_check = true }))
    assert.equal("OutOfService", change.to)
    assert.is_false(backoff.allows(record, "chat m", "m", "key-1", 1e12))
    assert.is_true(backoff.allows(record, "chat m", "m", "key-2", 1))
  end)

  it("is reported once", function()
    local record = refused({ { "1" }, { "2" }, { "3" } })
    local _, change = refused({ { "4" } }, {}, record)
    assert.is_nil(change)
  end)

  it("is forgotten when a check proves the key", function()
    local record = backoff.proved(refused({ { "1" }, { "2" } }), { key = true })
    assert.same({}, record.refusals.seen)
  end)
end)

describe("a spent balance", function()
  it("takes the endpoint out at once, and for a while", function()
    local empty = { class = "Credential", reason = "BalanceExhausted" }
    local record = backoff.failure(backoff.new(), "refused", empty, context(0))
    assert.is_false(backoff.allows(record, "chat m", "m", "key-1", 299999))
    assert.is_true(backoff.allows(record, "chat m", "m", "key-1", 300000))
  end)
end)

describe("health checks that pass", function()
  local EMPTY = { class = "Credential", reason = "BalanceExhausted" }
  local KEY, BOTH = { key = true }, { key = true, balance = true }

  local function down(outcome, changes)
    if outcome == REJECTED and not changes then
      return refused({ { "1" }, { "2" }, { "3" } })
    end
    return backoff.failure(backoff.new(), "refused", outcome, context(0, changes))
  end

  it("end what they prove to be over", function()
    local record, change = backoff.proved(down(REJECTED), KEY)
    assert.is_true(backoff.allows(record, "m", "m", "key-1", 1))
    assert.same({ from = "OutOfService", to = "InService", reason = "HealthCheckPassed" }, change)
    assert.is_true(backoff.allows(backoff.proved(down(EMPTY), BOTH), "m", "m", "key-1", 1))
  end)

  it("and nothing else", function()
    for _, case in ipairs({ { down(REJECTED), {} }, { down(EMPTY), KEY }, { backoff.new(), BOTH } }) do
      assert.equal(case[1], (backoff.proved(case[1], case[2])))
    end
  end)

  it("take back what a check laid down, whatever they prove", function()
    assert.is_true(backoff.allows(backoff.proved(down(REJECTED, { is_check = true }), {}), "m", "m", "key-1", 1))
  end)

  it("keep a pause that the provider asked for", function()
    local record = backoff.failure(backoff.new(), "busy", { class = "RateLimited", reason = "RateLimited" }, context(0))
    assert.equal(record, (backoff.proved(record, BOTH)))
  end)

  it("that fail again do not move the time since when it is so", function()
    local record = backoff.failure(down(EMPTY, { is_check = true }), "refused", EMPTY, context(9000, { is_check = true }))
    assert.equal(0, record.down_since_ms)
    assert.equal(309000, record.down_until_ms)
  end)
end)

describe("a model that an endpoint does not have", function()
  it("by its own list is excluded until the list has it", function()
    local list_context = { now_ms = 0, long_backoff_ms = 1000 }
    local record = backoff.listed(backoff.new(), { m = false, other = true }, list_context)
    assert.is_false(backoff.allows(record, "m", "m", "key-1", 999))
    assert.is_true(backoff.allows(record, "other", "m", "key-1", 1))
    assert.equal(record, backoff.listed(record, { m = false }, list_context))
    assert.is_true(backoff.allows(backoff.listed(record, { m = true }, list_context), "m", "m", "key-1", 1))
  end)

  it("has a backoff alone", function()
    local record = backoff.failure(backoff.new(), "model", { class = "ModelMissing", reason = "ModelMissing" }, context(0))
    assert.is_false(backoff.allows(record, "chat m", "m", "key-1", 1))
    assert.is_true(backoff.allows(record, "chat other", "m", "key-1", 1))
    assert.is_true(backoff.allows(record, "messages m", "m", "key-1", 1))
    assert.is_true(backoff.allows(record, "chat m", "m", "key-1", 300000))
  end)
end)

describe("a good answer", function()
  it("is remembered by its first time", function()
    local record = backoff.success(backoff.new(), "m", 5, 5)
    assert.equal(5, record.well_since_ms)
    assert.equal(record, backoff.success(record, "m", 9, 9))
  end)

  it("reports that an endpoint is in service again, and nothing where it never was out", function()
    local record = backoff.failure(backoff.new(), "refused", REJECTED, context(0, { is_check = true }))
    local back, change = backoff.success(record, "m", 5, 5)
    assert.equal("", back.down_reason)
    assert.same({ from = "OutOfService", to = "InService", reason = "Answered" }, change)
    assert.is_nil((select(2, backoff.success(back, "m", 6, 6))))
    assert.is_nil((select(2, backoff.success(backoff.new(), "m", 6, 6))))
  end)

  it("does not hide the last error", function()
    local record = backoff.failure(backoff.new(), nil, { class = "Connect", reason = "ConnectFailed" }, context(3))
    assert.equal("Connect", backoff.success(record, "m", 5, 5).error_class)
  end)
end)

describe("a row of failures", function()
  local OUTAGE = { is_outage = true }
  local function failed(record, now_ms, changes)
    local made = context(now_ms, OUTAGE)
    for key, value in pairs(changes or {}) do
      made[key] = value
    end
    return backoff.failure(record, nil, { class = "ServerError", reason = "ServerError" }, made)
  end

  it("begins with its first failure and outlives backoffs", function()
    local record = backoff.failure(backoff.new(), "busy", BUSY, context(100, OUTAGE))
    record = backoff.failure(record, "busy", BUSY, context(9000, OUTAGE))
    assert.equal(100, record.row.since_ms)
    assert.equal(2, record.row.attempts)
  end)

  it("ends with a good answer to a later request", function()
    local record = backoff.success(failed(failed(backoff.new(), 100), 200), "m", 300, 250)
    assert.equal(0, record.row.attempts)
  end)

  it("does not end with an answer to a request that was sent before it", function()
    assert.equal(100, backoff.success(failed(backoff.new(), 100), "m", 300, 99).row.since_ms)
  end)

  it("is no row where a failure says nothing of an outage", function()
    assert.equal(0, failed(backoff.new(), 100, { is_outage = false }).row.attempts)
  end)
end)
