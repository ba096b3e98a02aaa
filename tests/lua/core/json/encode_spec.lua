-- Small things at the router's edges: headers to providers, JSON and metrics out.
local exposition = require "core.document.exposition"
local headers = require "core.request.headers"
local json = require "core.json.encode"

describe("a caller's headers", function()
  local function forwards(name, value, more)
    local given = more or {}
    given[name] = value
    return headers.forwarded(given):find("\r\n" .. name .. ": ", 1, true) ~= nil
  end

  it("go on", function()
    for _, name in ipairs({ "accept", "user-agent", "x-session-id", "http-referer", "x-title", "openai-beta" }) do
      assert.is_true(forwards(name, "v"))
    end
  end)

  it("stay here: keys, addresses, hops, what steers proxies or us, wishes for compression", function()
    for _, name in ipairs({ "authorization", "x-api-key", "api-key", "cookie", "host", "content-length", "transfer-encoding",
                            "connection", "keep-alive", "te", "trailer", "upgrade", "expect", "accept-encoding", "proxy-authorization",
                            "x-accel-redirect", "x-poolkeeper-priority", "x-forwarded-for", "forwarded", "x-real-ip" }) do
      assert.is_false(forwards(name, "v"), name)
    end
  end)

  it("stay here when the Connection header names them", function()
    assert.is_false(forwards("x-hop", "v", { connection = "close, X-Hop" }))
    assert.is_true(forwards("x-other", "v", { connection = "close, X-Hop" }))
  end)

  it("may come several times", function()
    assert.truthy(headers.forwarded({ accept = { "a", "b" } }):find("\r\naccept: a\r\naccept: b", 1, true))
  end)
end)

describe("JSON out", function()
  it("tells empty lists from empty objects, and keeps an order", function()
    assert.equal('{"a":[],"b":{},"c":null,"d":1.5,"e":"x\\"","f":[1,true]}', json.encode({
      f = json.list({ 1, true }), e = 'x"', d = 1.5, c = json.NULL, b = {}, a = json.list({}),
    }))
  end)
end)

describe("metrics", function()
  it("stand below their family's help, buckets in the order of their bounds", function()
    local text = exposition.text({
      ['gen_ai_client_token_usage_bucket{a="x",le="16"}'] = 2, ['gen_ai_client_token_usage_bucket{a="x",le="4"}'] = 1,
      ['gen_ai_client_token_usage_bucket{a="x",le="+Inf"}'] = 3, ['gen_ai_client_token_usage_count{a="x"}'] = 3,
      ['poolkeeper_in_flight{endpoint="a"}'] = 0, unknown = 1,
    })
    local small, large = text:find('le="4"', 1, true), text:find('le="16"', 1, true)
    assert.is_true(small < large and large < text:find("+Inf", 1, true))
    assert.truthy(text:find("# TYPE poolkeeper_in_flight gauge\npoolkeeper_in_flight", 1, true))
    assert.is_nil(text:find("unknown", 1, true))
  end)
end)
