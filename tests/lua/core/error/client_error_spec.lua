local cjson = require "cjson.safe"
local openai = require "core.protocol.openai"
local refusal = require "core.error.client_error"

local function told(body, class, status)
  local failure = { class = class or "ClientFault", status = status or 400, answer = { body = body, content_type = "text/x" } }
  return refusal.of(failure, openai, cjson.decode)
end

describe("a refusal", function()
  it("in the shape that clients read is passed on byte by byte", function()
    local body = '{"error":{"message":"no","type":"x","param":null,"code":null}} '
    assert.same({ body, "text/x" }, { told(body) })
  end)

  it("that is none, but an answer that says nothing, is passed on byte by byte", function()
    assert.same({ '{"choices":[]}', "text/x" }, { told('{"choices":[]}', "Empty", 200) })
  end)

  for _, case in ipairs({
    { name = "of a bare code and message", body = '{"code":20015,"message":"too \\"much\\"","data":null}', want = 'too "much"' },
    { name = "of a word", body = '{"error":"model is required"}', want = "model is required" },
    { name = "of a detail", body = '{"detail":"Not Found"}', want = "Not Found" },
    { name = "of a string", body = '"Invalid token"', want = "Invalid token" },
    { name = "of plain text", body = " bad request\n", want = "bad request" },
    { name = "of a page", body = "<html>400</html>", want = "The provider refused the request with status 400." },
    { name = "of nothing", body = "", want = "The provider refused the request with status 400." },
    { name = "that broke off", body = '{"error":{"mess', want = "The provider refused the request with status 400." },
    { name = "of null", body = '{"error":null,"message":null}', want = "The provider refused the request with status 400." },
  }) do
    it(case.name .. " is said again", function()
      local body, content_type = told(case.body)
      assert.equal("application/json", content_type)
      assert.equal(case.want, cjson.decode(body).error.message)
      assert.equal("refused_by_provider", cjson.decode(body).error.code)
    end)
  end

  for name, page in pairs({
    [" (Cloudflare)"] = "<title>Attention Required! | Cloudflare</title>",
    [" (CloudFront)"] = "<H1>403 ERROR</H1>The request could not be satisfied",
    [" (Akamai)"] = "<H1>Access Denied</H1>Reference&#32;&#35;18.1",
    [" (Alibaba Cloud)"] = "<script src=https://errors.aliyun.com/images/a.js>",
    [" (ModSecurity)"] = "<title>Not Acceptable!</title> Mod_Security",
    [""] = "<html>403 Forbidden</html>",
  }) do
    it("that is a firewall's page names it" .. name, function()
      local failure = { class = "Incompatible", reason = "FirewallBlocked", status = 403, answer = { body = page } }
      local body = refusal.of(failure, openai, cjson.decode)
      local told_error = cjson.decode(body).error
      assert.equal("blocked_by_firewall", told_error.code)
      assert.truthy(told_error.message:find("before the provider" .. name .. " blocked", 1, true))
    end)
  end

  it("of a prompt that is too long has the code that clients know", function()
    assert.equal("context_length_exceeded", cjson.decode((told('{"message":"x"}', "ContextTooLong"))).error.code)
  end)
end)
