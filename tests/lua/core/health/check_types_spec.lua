package.path = "tests/lua/?.lua;" .. package.path

local cjson = require "cjson.safe"
local checks = require "core.health.check_types"
local support = require "support"

local ENDPOINT = { provider = "DeepSeek", upstream_names = { "deepseek-flash" } }

local function asked(kind, provider)
  local paths = {}
  for i, question in ipairs(checks.of(kind, provider)) do
    paths[i] = checks.path(question, "/v1")
  end
  return paths
end

local function said(kind, provider, status, body, number)
  local endpoint = { provider = provider, upstream_names = { "deepseek-flash", "R1:7b" } }
  return checks.finding(checks.of(kind, provider)[number or 1], status, body, true, endpoint, cjson.decode)
end

local FREE = {
  DeepSeek = { "/user/balance", "/v1/models" }, OpenRouter = { "/v1/key" }, VLLM = { "/health", "/v1/models" },
  SGLang = { "/health", "/v1/models" }, LlamaCpp = { "/health", "/props" },
  Ollama = { "/api/tags" }, LMStudio = { "/v1/models" }, SiliconFlow = { "/v1/models" },
  Together = { "/v1/models" }, Fireworks = { "/v1/models" }, Poe = { "/v1/models" }, Perplexity = { "/v1/models" },
  OpenAI = { "/v1/models" }, Gateway = { "/v1/models" }, Poolkeeper = { "/v1/models" },
}

describe("what is asked", function()
  it("is listed above for each provider", function()
    for provider in pairs(checks.AUTO) do
      assert.is_table(FREE[provider], provider .. ": wanted in FREE, with the paths that a free check asks for")
    end
  end)

  for provider, want in pairs(FREE) do
    it("of " .. provider .. " by itself is free", function()
      assert.same(want, asked("Auto", provider))
      for _, question in ipairs(checks.of("Auto", provider)) do
        assert.is_nil(question.generates)
      end
    end)
  end

  it("is the same of all where the policy says so", function()
    assert.same({ "/v1/models" }, asked("Models", "VLLM"))
    assert.same({ "/v1/chat/completions" }, asked("Completion", "VLLM"))
    assert.same({}, asked("TCP", "VLLM"))
    assert.is_nil(checks.of("None", "VLLM"))
  end)

  it("lies below the prefix, or beside it", function()
    local balance, models = unpack(checks.of("Auto", "DeepSeek"))
    for prefix, want in pairs({ [""] = { "/user/balance", "/models" }, ["/v1"] = { "/user/balance", "/v1/models" },
                                ["/beta"] = { "/user/balance", "/beta/models" },
                                ["/own/v1"] = { "/own/user/balance", "/own/v1/models" } }) do
      assert.same(want, { checks.path(balance, prefix), checks.path(models, prefix) })
    end
    assert.equal("/api/v1/key", checks.path(checks.of("Auto", "OpenRouter")[1], "/api/v1"))
  end)
end)

describe("a page of the balance", function()
  local known = support.vectors("balance")
  local balance = checks.of("Auto", "DeepSeek")[1]

  for prefix, want in pairs(known.paths) do
    it(("of %q is %s"):format(prefix, want), function()
      assert.equal(want, checks.path(balance, prefix))
    end)
  end

  for _, case in ipairs(known.cases) do
    it("with " .. case.name .. " is " .. case.result, function()
      local known_of = checks.finding(balance, 200, case.body, true, ENDPOINT, cjson.decode)

      assert.equal(case.result, known_of.result)
      assert.same(case.credit or {}, known_of.credit or {})
    end)
  end
end)

describe("what is left", function()
  it("is OpenRouter's limit of the key, where it has one", function()
    local key = checks.of("Auto", "OpenRouter")[1]
    local function credit(body)
      return checks.finding(key, 200, body, true, ENDPOINT, cjson.decode).credit
    end

    assert.same({ USD = 12.5 }, credit('{"data":{"limit_remaining":12.5}}'))
    assert.is_nil(credit('{"data":{"limit_remaining":null}}'))
  end)

  it("is kept when the next question of the check says nothing of it", function()
    local balance, models = unpack(checks.of("Auto", "DeepSeek"))
    local first = checks.finding(balance, 200, '{"is_available":true,"balance_infos":[{"currency":"USD","total_balance":"3"}]}',
                                 true, ENDPOINT, cjson.decode)
    local second = checks.finding(models, 200, '{"data":[]}', true, ENDPOINT, cjson.decode)

    assert.same({ USD = 3 }, checks.and_then(first, second).credit)
  end)
end)

describe("what an answer says", function()
  local EMPTY, HTML = "", "<html>Welcome</html>"
  local LIST = '{"object":"list","data":[]}'
  local GOOD, BROKE = '{"is_available":true,"balance_infos":[]}', '{"is_available":false,"balance_infos":[]}'
  local SCOPES = '{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read"}}'

  for title, case in pairs({
    ["a list of models"] = { "Models", "OpenAI", 200, LIST, "Passed" },
    ["a bare list, as Together's"] = { "Models", "Together", 200, ' [{"id":"m"}]', "Passed" },
    ["a page instead of a list"] = { "Models", "OpenAI", 200, HTML, "BadAnswer" },
    ["nothing instead of a list"] = { "Models", "OpenAI", 200, EMPTY, "BadAnswer" },
    ["no such page"] = { "Models", "OpenAI", 404, HTML, "Answered" },
    ["a redirect, which is never followed"] = { "Models", "OpenAI", 302, EMPTY, "Unclear" },
    ["a rate limit"] = { "Models", "OpenAI", 429, EMPTY, "Unclear" },
    ["a refused key"] = { "Models", "OpenAI", 401, '{"error":{"message":"Incorrect API key provided"}}', "CredentialsRejected" },
    ["a key that may not list models"] = { "Models", "OpenAI", 401, SCOPES, "Answered" },
    ["a list that is forbidden"] = { "Models", "OpenAI", 403, EMPTY, "Answered" },
    ["an account that is forbidden"] = { "Auto", "DeepSeek", 403, EMPTY, "CredentialsRejected" },
    ["no money, by status"] = { "Models", "OpenAI", 402, EMPTY, "BalanceExhausted" },
    ["a fault"] = { "Models", "OpenAI", 500, EMPTY, "BadStatus" },
    ["still loading"] = { "Auto", "LlamaCpp", 503, '{"error":{"message":"Loading model"}}', "BadStatus" },
    ["health, which says nothing more"] = { "Auto", "VLLM", 200, EMPTY, "Passed" },
    ["a balance"] = { "Auto", "DeepSeek", 200, GOOD, "Passed", { key = true, balance = true } },
    ["an empty balance"] = { "Auto", "DeepSeek", 200, BROKE, "BalanceExhausted", { key = true } },
    ["JSON, but no balance"] = { "Auto", "DeepSeek", 200, LIST, "Answered" },
    ["no JSON for a balance"] = { "Auto", "DeepSeek", 200, HTML, "BadAnswer" },
    ["a key with money"] = { "Auto", "OpenRouter", 200, '{"data":{"limit_remaining":0.5}}', "Passed", { key = true } },
    ["a key without a limit"] = { "Auto", "OpenRouter", 200, '{"data":{"limit_remaining":null}}', "Passed", { key = true } },
    ["a key that has spent its limit"] =
      { "Auto", "OpenRouter", 200, '{"data":{"limit_remaining":0}}', "BalanceExhausted", { key = true } },
    ["a token"] = { "Completion", "OpenAI", 200, '{"choices":[{"message":{}}]}', "Passed", { key = true, balance = true } },
    ["a choice that is none"] = { "Completion", "OpenAI", 200, '{"choices":[{}]}', "BadAnswer" },
    ["busy instead of a token"] = { "Completion", "OpenAI", 200, '{"error":{"message":"busy"}}', "BadAnswer" },
    ["a refused key instead of a token"] = { "Completion", "OpenAI", 403, EMPTY, "CredentialsRejected" },
    ["a request that the model does not take"] = { "Completion", "OpenAI", 400, EMPTY, "Unclear" },
    ["busy by status instead of a token"] = { "Completion", "OpenAI", 503, EMPTY, "BadStatus" },
  }) do
    it(title .. ": " .. case[5], function()
      local finding = said(case[1], case[2], case[3], case[4])
      assert.equal(case[5], finding.result)
      assert.same(case[6] or {}, finding.proves)
    end)
  end

  it("is no less than that somebody answers when it is too long to read", function()
    local balance = checks.of("Auto", "DeepSeek")[1]
    assert.equal("Answered", checks.finding(balance, 200, "{", false, ENDPOINT, cjson.decode).result)
    local models = checks.of("Models", "OpenAI")[1]
    assert.equal("Passed", checks.finding(models, 200, '{"data":[', false, ENDPOINT, cjson.decode).result)
  end)

  it("names the models that Ollama has, whatever their tag or case", function()
    local finding = said("Auto", "Ollama", 200, '{"models":[{"name":"deepseek-flash:latest"},{"name":"other:7b"}]}')
    assert.same({ ["deepseek-flash"] = true, ["R1:7b"] = false }, finding.listed)
    finding = said("Auto", "Ollama", 200, '{"models":[{"name":"r1:7b"}]}')
    assert.is_true(finding.listed["R1:7b"])
  end)

  it("says nothing of models that run in Ollama's cloud", function()
    local tags, endpoint = checks.of("Auto", "Ollama")[1], { provider = "Ollama", upstream_names = { "r1:671b-cloud" } }
    assert.same({}, checks.finding(tags, 200, '{"models":[]}', true, endpoint, cjson.decode).listed)
  end)
end)

describe("a check of two questions", function()
  local function finding(result, proves)
    return { result = result, proves = proves or {} }
  end

  it("is as bad as its worst answer", function()
    assert.equal("BadStatus", checks.and_then(finding("Passed"), finding("BadStatus")).result)
  end)

  it("proves what any answer proves, also when the other says no more than that somebody answers", function()
    local together = checks.and_then(finding("Passed", { key = true, balance = true }), finding("Answered"))
    assert.equal("Passed", together.result)
    assert.same({ key = true, balance = true }, together.proves)
  end)

  it("goes on only while all is good", function()
    assert.is_true(checks.is_good(finding("Answered")))
    assert.is_false(checks.is_good(finding("Unclear")))
  end)
end)
