local choice_report = require "core.balancing.choice_report"
local cjson = require "cjson"
local exclusion = require "core.balancing.exclusion"

local CONTEXT = { slow_start_ms = 0, now_ms = 100000, stabilization_ms = 0 }

local function candidate(name, changes)
  local made = { name = name, tier = 0, weight = 100, in_flight = 0, max_connections = 10, base_latency_ms = 500,
                 recovered_at_ms = 0, ramp_since_ms = 0, is_half_open = false }
  for key, value in pairs(changes or {}) do
    made[key] = value
  end
  return made
end

local function endpoints(...)
  local list = {}
  for i, name in ipairs({ ... }) do
    list[i] = { name = name, tier = i - 1 }
  end
  return list
end

describe("a choice for people", function()
  it("has those whose turn it is, then other tiers, then the excluded ones with what was seen", function()
    local rows = choice_report.of(endpoints("down", "low", "first"), { down = { "Backoff", "Busy" } }, {},
                                  { candidate("low", { tier = 1 }), candidate("first", { in_flight = 5 }) }, CONTEXT)
    assert.same({
      { name = "first", tier = 0, weight = 50, inFlight = 5, limit = 10 },
      { name = "low", tier = 1, weight = 100, inFlight = 0, limit = 10, excluded = "AnotherTier" },
      { name = "down", tier = 0, excluded = "Backoff", because = "Busy" },
    }, rows)
  end)

  it("names what decided and who was chosen", function()
    local shown = cjson.decode(choice_report.header({ chosen = "a", by = "Affinity", rows = { { name = "a", tier = 0 } } }))
    assert.same({ chosen = "a", by = "Affinity", endpoints = { { name = "a", tier = 0 } } }, shown)
  end)

  it("is empty where no choice was made", function()
    assert.equal('{"endpoints":[]}', choice_report.header({ rows = {} }))
  end)

  for _, count in ipairs({ 1, 31, 32, 64, 500 }) do
    it(("stays JSON within its bound with %d endpoints, and counts those that find no room"):format(count), function()
      local rows = {}
      for i = 1, count do
        rows[i] = { name = ("n"):rep(60) .. i, tier = 9, excluded = "HealthCheckFailed", because = ("x"):rep(40) }
      end
      local text = choice_report.header({ chosen = ("n"):rep(63), by = "PowerOfTwo", rows = rows })
      local shown = cjson.decode(text)
      assert.is_true(#text <= 4096, #text)
      assert.equal(count, #shown.endpoints + (shown.more or 0))
      assert.is_true(#shown.endpoints >= math.min(count, 20))
    end)
  end

  it("knows the meaning of every word", function()
    local rows = choice_report.with_meanings({ { excluded = "BreakerOpen" }, {} })
    assert.equal(exclusion.MEANING.BreakerOpen, rows[1].meaning)
    assert.is_nil(rows[2].meaning)
  end)
end)

describe("why an endpoint is not asked at all", function()
  local function why(request, has_route)
    request.excluded = request.excluded or {}
    return table.concat(exclusion.not_asked(request, { name = "a" }, has_route), " ")
  end

  it("is the client's permission, what the request carries, the model, an earlier attempt, or the tier", function()
    assert.equal("ClientNotAllowed", why({ barred = { a = "client" } }, false))
    assert.equal("FeatureLacking tools", why({ barred = { a = "tools" } }, false))
    assert.equal("ModelNotServed", why({ barred = { b = "client" } }, false))
    assert.equal("AlreadyTried Busy", why({ excluded = { a = "Busy" } }, true))
    assert.equal("AnotherTier", why({ only_tier = 1 }, true))
  end)

  it("is the data policy first, whatever else holds", function()
    local found = exclusion.not_asked({ barred = { a = "client" }, excluded = {} }, { name = "a", is_forbidden = true }, false)
    assert.same({ "Forbidden" }, found)
  end)
end)
