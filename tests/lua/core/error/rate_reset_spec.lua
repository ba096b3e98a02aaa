local rate_reset = require "core.error.rate_reset"

local NOW_MS = 1795305600000 -- 2026-11-22T00:00:00Z

local function wait_ms(headers, body)
  local text = (body or ""):lower()
  local message = text:match('"message"%s*:%s*"([^"]*)"') or ""
  return rate_reset.wait_ms(function(name) return headers[name] end, text, message, NOW_MS)
end

describe("a rate limit without Retry-After is over", function()
  for _, case in ipairs({
    { "in a span", { ["x-ratelimit-reset-requests"] = "6m0s" }, 360000 },
    { "in a span of milliseconds", { ["x-ratelimit-reset-tokens"] = "120ms" }, 120 },
    { "in a span with a fraction", { ["x-ratelimit-reset-requests"] = "2m59.56s" }, 179560 },
    { "in seconds", { ["x-ratelimit-reset"] = "1.5" }, 1500 },
    { "at a time in seconds since 1970", { ["x-ratelimit-reset"] = "1795305607" }, 7000 },
    { "at a time in milliseconds since 1970", { ["x-ratelimit-reset"] = "1795305607250" }, 7250 },
    { "at a time that is written out", { ["anthropic-ratelimit-requests-reset"] = "2026-11-22T00:00:20Z" }, 20000 },
    { "at a time in another zone", { ["anthropic-ratelimit-tokens-reset"] = "2026-11-22T01:00:20.5+01:00" }, 20500 },
    { "now, when that is over", { ["x-ratelimit-reset"] = "1795305500" }, 0 },
    { "never later than any policy could say", { ["x-ratelimit-reset"] = "99999999" }, 3600000 },
    { "after a gateway's span", { ["x-ratelimit-reset-after"] = "7" }, 7000 },
    { "when nobody knows, if that is no time", { ["x-ratelimit-reset"] = "soon" }, nil },
    { "when nobody knows, if that is half a span", { ["x-ratelimit-reset"] = "5 parsecs" }, nil },
    { "when what is used up is back",
      { ["x-ratelimit-reset-requests"] = "1s", ["x-ratelimit-remaining-requests"] = "41",
        ["x-ratelimit-reset-tokens"] = "9s", ["x-ratelimit-remaining-tokens"] = "0" }, 9000 },
    { "when the first is back, if nobody says what is used up",
      { ["x-ratelimit-reset-requests"] = "20s", ["x-ratelimit-reset-tokens"] = "9s" }, 9000 },
  }) do
    it(case[1], function() assert.equal(case[3], wait_ms(case[2])) end)
  end

  for _, case in ipairs({
    { '{"error":{"message":"Rate limit reached. Please try again in 20s. Visit us."}}', 20000 },
    { '{"error":{"message":"Please try again in 1m30.5s."}}', 90500 },
    { '{"error":{"message":"Please try again in 857ms"}}', 857 },
    { '{"error":{"message":"Rate limit of 1 per 60s exceeded. Please wait 3 seconds before retrying."}}', 3000 },
    { '{"message":"Request was throttled. Expected available in 53 seconds."}', 53000 },
    { '{"error":{"message":"Limit resets in 45 seconds"}}', 45000 },
    { '{"error":{"message":"Please retry after 6 seconds."}}', 6000 },
    { '{"error":{"message":"Quota exceeded. Please retry in 34.07s."}}', 34070 },
    { '{"error":{"message":"Try again in 2 minutes, or pay"}}', 120000 },
    { '{"error":{"message":"Try again in 1 hour"}}', 3600000 },
    { '{"error":{"message":"Try again in spring"}}', nil },
    { '{"error":{"message":"Too many requests"}}', nil },
    { '{"error":{"availability":{"code":"capacity_exhausted","retry_after":12}}}', 12000 },
    { '{"error":{"details":[{"retryDelay":"34s"}]}}', 34000 },
    { '{"error":{"metadata":{"headers":{"X-RateLimit-Reset":"1795305604000"}}}}', 4000 },
    { '{"retry_after_ms": 250}', 250 },
    { '{"retry_after": null}', nil },
  }) do
    it("as it says: " .. case[1], function() assert.equal(case[2], wait_ms({}, case[1])) end)
  end
end)

describe("a time that is too long to be one", function()
  it("says nothing, in a header", function()
    assert.is_nil(wait_ms({ ["x-ratelimit-reset-requests"] = ("1s"):rep(30000) }))
    assert.is_nil(wait_ms({ ["x-ratelimit-reset-requests"] = ("1"):rep(60000) .. "x" }))
  end)

  it("says nothing, in words", function()
    assert.is_nil(wait_ms({}, '{"message":"try again in ' .. ("1"):rep(60000) .. ' seconds"}'))
  end)
end)
