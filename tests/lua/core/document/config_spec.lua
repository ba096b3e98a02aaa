local cjson = require "cjson.safe"
local config = require "core.document.config"

local function document()
  return {
    format = 1, pool = "default/chat", generation = 7, hash = "abc", allowLoopback = false, models = { "m", "n" },
    endpoints = { {
      name = "a", fingerprint = "f", provider = "DeepSeek", tier = 0, weight = 100, mode = "Active", scheme = "https",
      host = "api.deepseek.com", port = 443, path = "/v1", tls = { serverName = "api.deepseek.com", caFile = cjson.null },
      egressProxy = cjson.null,
      credential = { file = "a", source = "Secret deepseek, key api-key" }, maxConnections = 10, baseLatencyMs = 800,
      models = { { name = "m", upstreamName = "up", parameters = {} } }, headers = {}, capabilities = {}, lacks = {}, region = "",
      advice = { weightPercent = 10, reason = "SlowFirstToken", sinceMs = 1, untilMs = 1795305600000 },
      schedule = {}, pricing = cjson.null,
    } },
    policy = {
      healthCheck = { type = "None", intervalMs = 0, timeoutMs = 1, unhealthyThreshold = 1, healthyThreshold = 1 },
      circuitBreaker = { errorRatePercent = 50, slidingWindowMs = 60000, minimumRequests = 20, consecutiveFailures = 5,
                         recoveryTimeoutMs = 30000, maxRecoveryTimeoutMs = 300000, halfOpenMaxRequests = 5 },
      retry = { maxAttempts = 3, budgetPercent = 20, honorRetryAfter = true, busyBackoffMs = { 5000 },
                tierWaitMs = 0 },
      timeouts = { connectMs = 1, firstTokenMs = 1, interTokenMs = 1, requestMs = 1 },
      balancing = { algorithm = "Dynamic", slowStartMs = 0, priceWeightPercent = 0, affinity = cjson.null }, tiers = { spill = "Strict" },
      failback = { mode = "Automatic", stabilizationMs = 0, toldAt = "", held = {} },
      streaming = { recovery = "Continue", wholeAnswers = "Stream", stall = "Fixed" },
      fallback = { degradedModel = "", cacheTtlMs = 0, cacheBytes = 0, defaultResponse = "busy", format = "Error" },
      contextRecovery = cjson.null, hedging = cjson.null, globalBreaker = cjson.null,
      concurrency = { mode = "Static" }, queue = cjson.null,
    },
    access = { mode = "Open", clients = {} }, failoverToTier = cjson.null,
    outages = cjson.null, timeZones = {},
  }
end

local function read(change)
  local value = document()
  if change then
    change(value, value.endpoints[1])
  end
  return config.read(value, cjson.null)
end

describe("a document", function()
  it("with a time limit of 0 has none", function()
    local doc = assert(read(function(value) value.policy.timeouts.firstTokenMs = 0 end))
    assert.is_true(doc.policy.timeouts.first_token_ms > 3600000)
    assert.equal(1, doc.policy.timeouts.inter_token_ms)
  end)

  it("that is right is read, in Lua's names", function()
    local doc = assert(read())
    assert.equal("up", doc.endpoints[1].models[1].upstream_name)
    assert.equal(50, doc.policy.circuit_breaker.error_rate_percent)
    assert.is_nil(doc.endpoints[1].tls.ca_file)
    assert.is_nil(doc.failover_to_tier)
  end)

  it("may have calendars, and its windows name them", function()
    local window = { days = { "Mon" }, fromMinute = 0, toMinute = 60, timeZone = "UTC", percent = 0, exceptCalendars = { "cn" } }
    local function with(calendars)
      return read(function(value, endpoint)
        value.timeZones = { { name = "UTC", offsets = { { sinceS = 0, offsetS = 0 } } } }
        value.calendars, endpoint.schedule = calendars, { window }
      end)
    end
    local doc = assert(with({ { name = "cn", spans = { { firstDay = 1, lastDay = 2 } } } }))
    assert.same({ { first_day = 1, last_day = 2 } }, doc.calendars[1].spans)
    local refused, err = with(nil)
    assert.is_nil(refused)
    assert.equal("endpoints.a: the calendar cn is none of calendars", err)
  end)

  it("may have known outages", function()
    local shown = { endpoint = "a", fingerprint = "f", model = "", reason = "CredentialsRejected" }
    local doc = assert(read(function(value) value.outages = { toldAtMs = 5, endpoints = { shown } } end))
    assert.same({ told_at_ms = 5, endpoints = { shown } }, doc.outages)
  end)

  it("may name the probes that were answered, or leave them out", function()
    local shown = { endpoint = "a", fingerprint = "f", model = "m", probedAtMs = 5 }
    local doc = assert(read(function(value) value.answered = { shown } end))
    assert.same({ { endpoint = "a", fingerprint = "f", model = "m", probed_at_ms = 5 } }, doc.answered)
    assert.is_nil(assert(read(function(value) value.answered = cjson.null end)).answered)
    assert.is_nil(assert(read()).answered)
  end)

  it("may have no endpoints: then nothing is served, and said so", function()
    assert.truthy(read(function(value) value.endpoints = {} end))
  end)

  for _, case in ipairs({
    { "of another format", function(d) d.format = 2 end, "format: seen 2, wanted 1" },
    { "without a member", function(d) d.policy.retry = nil end, "policy.retry: wanted an object" },
    { "with a member nobody knows", function(d) d.hedging = {} end, "hedging" },
    { "with an endpoint's member nobody knows", function(_, e) e.proxy = "x" end, "endpoints%[0%].*proxy" },
    { "with a number as text", function(_, e) e.port = "443" end, "endpoints%[0%].port: wanted an integer" },
    { "with half a number", function(_, e) e.tier = 0.5 end, "tier" },
    { "with a number out of bounds", function(_, e) e.port = 65536 end, "port: wanted an integer from 1 to 65535" },
    { "with a word nobody knows", function(_, e) e.mode = "Napping" end, "mode: wanted one of Active" },
    { "with a list that is none", function(d) d.models = { m = 1 } end, "models: wanted a list" },
    { "without models", function(d) d.models = {} end, "models: wanted a list of 1" },
    { "with two endpoints of one name", function(d, e) d.endpoints[2] = e end, "endpoints: a occurs twice" },
    { "with two models of one name", function(d) d.models = { "m", "m" } end, "models: m occurs twice" },
    { "with a route to a model nobody knows", function(d) d.models = { "n" } end, "m is none of the pool's models" },
    { "with https and no name to prove", function(_, e) e.tls = cjson.null end, "tls: wanted" },
    { "with a window in a time zone that it does not bring", function(_, e)
      e.schedule = { { days = { "Mon" }, fromMinute = 0, toMinute = 60, timeZone = "UTC", percent = 50 } }
    end, "endpoints.a: the time zone UTC" },
    { "with a price that is no decimal", function(_, e)
      e.pricing = { currency = "USD", inputPerMillion = "1e9", outputPerMillion = "1", windows = {} }
    end, "pricing.inputPerMillion" },
    { "with a proxy that has no port", function(_, e) e.egressProxy = { host = "p" } end, "egressProxy.port: wanted" },
    { "with a key file that climbs out of its folder", function(_, e) e.credential.file = "../x" end, "credential.file" },
    { "with a key file in a folder", function(_, e) e.credential.file = "a/b" end, "credential.file" },
    { "with a hidden key file", function(_, e) e.credential.file = "..data" end, "credential.file" },
    { "with a host that would end a header", function(_, e) e.host = "a\r\nx: y" end, "host" },
    { "with a path that would end a request line", function(_, e) e.path = "/v1 HTTP/1.1\r\n" end, "path" },
    { "with news of an outage that name no endpoint", function(d)
      d.outages = { toldAtMs = 1, endpoints = { { fingerprint = "f", model = "", reason = "Connect" } } }
    end, "outages.endpoints%[0%].endpoint: wanted" },
    { "with a reason that is no word", function(d)
      d.outages = { toldAtMs = 1, endpoints = { { endpoint = "a", fingerprint = "f", model = "m", reason = "a b" } } }
    end, "outages.endpoints%[0%].reason: has characters" },
    { "with an answered probe that began at no time", function(d)
      d.answered = { { endpoint = "a", fingerprint = "f", model = "m" } }
    end, "answered%[0%].probedAtMs: wanted" },
    { "with a control character in a model", function(d, e)
      d.models[1] = "a\nb"
      e.models[1].name = "a\nb"
    end, "models%[0%]" },
    { "that is no object", nil, "document: wanted a JSON object" },
  }) do
    it(case[1] .. " is refused, with the reason", function()
      local doc, err
      if case[2] then
        doc, err = read(case[2])
      else
        doc, err = config.read(nil, cjson.null)
      end
      assert.is_nil(doc)
      assert.truthy(err:find(case[3]), err)
    end)
  end
end)

describe("a document's generation", function()
  local function of(pool, generation)
    return { pool = pool, generation = generation }
  end

  it("may grow or stay", function()
    assert.truthy(config.succeeds(of("a", 8), of("a", 7)))
    assert.truthy(config.succeeds(of("a", 7), of("a", 7)))
    assert.truthy(config.succeeds(of("a", 1), nil))
  end)

  it("never falls, within one pool", function()
    local ok, err = config.succeeds(of("a", 6), of("a", 7))
    assert.is_nil(ok)
    assert.equal("generation: seen 6, wanted at least 7, which is being served", err)
    assert.truthy(config.succeeds(of("b", 1), of("a", 7)))
  end)
end)
