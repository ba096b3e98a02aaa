local headers = require "core.request.headers"

local function asked(given)
  return (select(2, headers.forwarded(given)))
end

local function names_in(given)
  local names = {}
  for name in headers.forwarded(given):gmatch("\r\n([^:]+):") do
    names[#names + 1] = name:lower()
  end
  table.sort(names)
  return names
end

describe("a caller's headers", function()
  it("go on when they are of the list, and no others", function()
    assert.same({ "accept", "anthropic-version", "content-type", "traceparent", "user-agent", "x-stainless-lang" }, names_in({
      accept = "*/*", ["anthropic-version"] = "1", traceparent = "00-x", ["user-agent"] = "u", ["x-stainless-lang"] = "js",
      ["x-amzn-oidc-data"] = "me", ["x-goog-iap-jwt-assertion"] = "me", ["x-ms-client-principal"] = "me",
      ["x-authorization"] = "me", ["private-token"] = "me", ["x-vault-token"] = "me", ["x-remote-user"] = "me",
      ["impersonate-user"] = "me", ["client-ip"] = "me", ["fastly-client-ip"] = "me", ["openai-organization"] = "me",
      ["openai-project"] = "me", baggage = "me", ["whatever-comes"] = "me", ["x-stainless"] = "me", anthropic = "me",
    }))
  end)

  it("stay when the connection names them as its own", function()
    assert.same({ "content-type", "user-agent" }, names_in({ connection = "x, Accept", accept = "*/*", ["user-agent"] = "u" }))
  end)

  it("never are keys, addresses, hops, what steers proxies or us, or wishes for compression", function()
    for _, name in ipairs({ "authorization", "x-api-key", "api-key", "cookie", "host", "content-length", "transfer-encoding",
                            "connection", "keep-alive", "te", "trailer", "upgrade", "expect", "accept-encoding",
                            "proxy-authorization", "x-accel-redirect", "x-poolkeeper-priority", "x-forwarded-for",
                            "forwarded", "x-real-ip" }) do
      assert.same({ "content-type" }, names_in({ [name] = "v" }))
    end
  end)

  it("may come several times", function()
    assert.truthy(headers.forwarded({ accept = { "a", "b" } }):find("\r\naccept: a\r\naccept: b", 1, true))
  end)
end)

describe("what headers ask for", function()
  it("is nothing, for those that change no answer", function()
    assert.equal("", asked({ accept = "*/*", ["user-agent"] = "u", ["x-stainless-retry-count"] = "1", other = "x" }))
  end)

  it("is the same in any order, and differs by every value", function()
    local one = asked({ ["anthropic-beta"] = "x", ["openai-beta"] = "y" })
    assert.equal(one, asked({ ["openai-beta"] = "y", ["anthropic-beta"] = "x" }))
    assert.not_equal(one, asked({ ["anthropic-beta"] = "x" }))
    assert.not_equal(one, asked({ ["anthropic-beta"] = { "x", "y" }, ["openai-beta"] = "y" }))
  end)
end)

describe("an endpoint's own headers", function()
  local lines = "\r\nContent-Type: application/json\r\nx-title: mine\r\naccept: a\r\naccept: b\r\nx-stainless-os: x"

  it("come in the place of the caller's, whatever their case", function()
    local own = headers.prepare({ { name = "x-title", value = "ours" } })
    assert.equal("\r\nContent-Type: application/json\r\naccept: a\r\naccept: b\r\nx-stainless-os: x\r\nx-title: ours",
                 headers.with_own(lines, own))
  end)

  it("without a value: left out, each time that it is there", function()
    local own = headers.prepare({ { name = "accept" }, { name = "x-titl" } })
    assert.equal("\r\nContent-Type: application/json\r\nx-title: mine\r\nx-stainless-os: x", headers.with_own(lines, own))
  end)

  it("that the caller did not send are added", function()
    assert.equal("\r\na: b\r\nx: y", headers.with_own("\r\na: b", headers.prepare({ { name = "x", value = "y" } })))
  end)

  it("are nothing where there are none", function()
    assert.is_nil(headers.prepare({}))
  end)
end)
