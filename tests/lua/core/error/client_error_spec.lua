local cjson = require "cjson.safe"
local openai = require "core.protocol.openai"
local refusal = require "core.error.client_error"

local function error_of(body, class, status)
  local failure = { class = class or "ClientFault", status = status or 400, answer = { body = body, content_type = "text/x" } }
  return refusal.of(failure, openai, cjson.decode)
end

describe("a refusal", function()
  it("in the shape that clients read is passed on byte by byte", function()
    local body = '{"error":{"message":"no","type":"x","param":null,"code":null}} '
    assert.same({ body, "text/x" }, { error_of(body) })
  end)

  it("that is none, but an answer that says nothing, is passed on byte by byte", function()
    assert.same({ '{"choices":[]}', "text/x" }, { error_of('{"choices":[]}', "Empty", 200) })
  end)

  for _, case in ipairs({
    { name = "of a bare code and message", body = '{"code":20015,"message":"too \\"much\\"","data":null}', want = 'too "much"' },
    { name = "of a word", body = '{"error":"model is required"}', want = "model is required" },
    { name = "of a detail", body = '{"detail":"Not Found"}', want = "Not Found" },
    { name = "of a string", body = '"Invalid token"', want = "Invalid token" },
    { name = "of plain text", body = " bad request\n", want = "bad request" },
    { name = "of FastAPI's details", want = "body.messages: field required; body.top_k: must be positive",
      body = '{"detail":[{"type":"missing","loc":["body","messages"],"msg":"field required"},'
        .. '{"loc":["body","top_k"],"msg":"must be positive"}]}' },
    { name = "of a message that is an object", want = "query.limit: too high",
      body = '{"object":"error","message":{"detail":[{"loc":["query","limit"],"msg":"too high"}]}}' },
    { name = "of a list", body = '[{"error":{"code":400,"message":"no such field","status":"INVALID_ARGUMENT"}}]', want = "no such field" },
    { name = "of msg", body = '{"code":1210,"msg":"wrong role","success":false}', want = "wrong role" },
    { name = "of errors", body = '{"errors":[{"message":"bad input","code":5006}],"success":false}', want = "bad input" },
    { name = "of error_msg", body = '{"error_code":336003,"error_msg":"not odd"}', want = "not odd" },
    { name = "of an error without a message", body = '{"error":{"code":7,"msg":"seven"}}', want = "seven" },
    { name = "of a message beside a status", body = '{"error":"Bad Request","message":"no roles"}', want = "no roles" },
    { name = "of a base response", body = '{"base_resp":{"status_code":2013,"status_msg":"invalid params"}}', want = "invalid params" },
    { name = "of a fault", body = '{"fault":{"faultstring":"Quota violated","detail":{"errorcode":"x"}}}', want = "Quota violated" },
    { name = "of a problem", body = '{"title":"Bad Request","detail":"n is too big","status":400}', want = "n is too big" },
    { name = "of OAuth", body = '{"error":"invalid_request","error_description":"no scope"}', want = "no scope" },
    { name = "of an event", body = 'event: error\ndata: {"message":"no tools"}\n\ndata: [DONE]\n\n', want = "no tools" },
    { name = "of a document", body = "<?xml version=\"1.0\"?><Error><Code>A</Code><Message>no</Message></Error>", want = "no" },
    { name = "of words that are blank", body = '{"error":{"message":"  ","detail":"really"}}', want = "really" },
    { name = "that nests without end", body = ('{"error":'):rep(50) .. '"x"' .. ("}"):rep(50),
      want = "The provider refused the request with status 400." },
    { name = "of a page", body = "<html>400</html>", want = "The provider refused the request with status 400." },
    { name = "of nothing", body = "", want = "The provider refused the request with status 400." },
    { name = "that broke off", body = '{"error":{"mess', want = "The provider refused the request with status 400." },
    { name = "of null", body = '{"error":null,"message":null}', want = "The provider refused the request with status 400." },
  }) do
    it(case.name .. " is converted", function()
      local body, content_type = error_of(case.body)
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
      local body_error = cjson.decode(body).error
      assert.equal("blocked_by_firewall", body_error.code)
      assert.truthy(body_error.message:find("before the provider" .. name .. " blocked", 1, true))
    end)
  end

  it("of a prompt that is too long has the code that clients know", function()
    assert.equal("context_length_exceeded", cjson.decode((error_of('{"message":"x"}', "ContextTooLong"))).error.code)
  end)
end)
