-- What can be asked where: paths of the pool, and what providers offer.
local cjson = require "cjson.safe"
local models = require "core.request.models"
local offers = require "core.request.surface_support"
local surface = require "core.protocol.surface"

describe("a path of the pool", function()
  for _, case in ipairs({
    { "/v1/chat/completions", "chat", "openai" }, { "/chat/completions", "chat", "openai" },
    { "/v1/completions", "completions", "openai" }, { "/completions", "completions", "openai" },
    { "/v1/embeddings", "embeddings", "openai" }, { "/embeddings", "embeddings", "openai" },
    { "/beta/completions", "beta", "openai" },
    { "/v1/responses", "responses", "responses" }, { "/responses", "responses", "responses" },
    { "/anthropic/v1/messages", "messages", "anthropic" },
    { "/v1/messages", "messages", "anthropic" },
  }) do
    it(case[1] .. " is the surface " .. case[2], function()
      local found = surface.POST[case[1]]
      assert.equal(case[2], found.name)
      assert.equal(require("core.protocol." .. case[3]), found.protocol)
    end)
  end

  for _, case in ipairs({
    { "/v1/chat/completions/", "chat" }, { "/openai/v1/chat/completions", "chat" }, { "/openai/v1/responses", "responses" },
    { "/openai/deployments/x/chat/completions", "chat" }, { "/api/v1/embeddings", "embeddings" },
    { "/beta/chat/completions", "chat", true }, { "/beta/v1/chat/completions/", "chat", true },
    { "/beta/v1/completions", "beta" }, { "/v1/v1/messages", "messages" },
    { "/anthropic/v1/messages/count_tokens", "count_tokens" }, { "/tokenize", "tokenize" },
    { "/anthropic/messages", "messages" }, { "/v1/tokenize", "tokenize" }, { "/v1/v1/chat/completions", "chat" },
    { "/V1/chat/completions", "chat" }, { "/v1/beta/chat/completions", "chat", true }, { "/beta/embeddings", "embeddings" },
    { "/openai/deployments/org/model/chat/completions", "chat" }, { "/v1/engines/x/completions", "completions" },
    { "/compatible-mode/v1/chat/completions", "chat" }, { "/api/v3/chat/completions", "chat" },
    { "/v1beta/openai/chat/completions", "chat" }, { "/models/chat/completions", "chat" },
    { "/inference/v1/responses", "responses" }, { "/v1/chat/completions/chat/completions", "chat" },
    { "/v1/anthropic/v1/messages", "messages" }, { "/anthropic/anthropic/v1/messages", "messages" },
  }) do
    it(case[1] .. " is the surface " .. case[2] .. ", too", function()
      local found, is_beta = surface.at(case[1])
      assert.equal(case[2], found.name)
      assert.equal(case[3] or false, is_beta)
    end)
  end

  it("that only looks like one is none", function()
    for _, path in ipairs({ "/openai/x/chat/completions", "/v1/threads/t1/messages", "/v1/messages/batches", "/v1/chat",
                            "/v1/fine_tuning/completions", "/v1/xchat/completions", "/", "" }) do
      assert.is_nil((surface.at(path)))
    end
  end)

  it("names the protocol of errors even where nothing is served", function()
    local anthropic, openai = require "core.protocol.anthropic", require "core.protocol.openai"
    assert.equal(anthropic, surface.protocol_at("/anthropic/v1/messages/count_tokens"))
    assert.equal(anthropic, surface.protocol_at("/v1/messages/batches"))
    assert.equal(openai, surface.protocol_at("/v1/images"))
    assert.equal(openai, surface.protocol_at("/"))
  end)

  for path, want in pairs({
    ["/v1/models"] = "", ["/models"] = "", ["/anthropic/v1/models"] = "", ["/anthropic/models"] = "",
    ["/v1/models/"] = "", ["/v1/models/m/"] = "m", ["/v1/v1/models"] = "", ["/v1/models/models"] = "models",
    ["/v1/models/deepseek/flash"] = "deepseek/flash", ["/anthropic/v1/models/m"] = "m",
  }) do
    it(path .. " is about models", function()
      assert.equal(want, surface.model_at(path))
    end)
  end

  it("is not about models because it starts like it", function()
    assert.is_nil(surface.model_at("/v1/modelsandmore"))
    assert.is_nil(surface.model_at("/v1/files/models"))
    assert.is_nil(surface.model_at("/v1/chat/completions"))
  end)
end)

describe("a provider", function()
  for _, case in ipairs({
    { "DeepSeek", "/v1", "chat", "/v1/chat/completions" },
    { "DeepSeek", "", "embeddings", "/embeddings" },
    { "DeepSeek", "/v1", "beta", "/beta/completions" },
    { "DeepSeek", "", "beta", "/beta/completions" },
    { "DeepSeek", "/v1", "messages", "/anthropic/v1/messages" },
    { "DeepSeek", "", "messages", "/anthropic/v1/messages" },
    { "DeepSeek", "/v1", "responses", "/v1/responses" },
    { "OpenRouter", "/api/v1", "messages", "/api/v1/messages" },
    { "Fireworks", "/inference/v1", "messages", "/inference/v1/messages" },
    { "VLLM", "/v1", "messages", "/v1/messages" },
    { "VLLM", "/v1", "responses", "/v1/responses" },
    { "OpenAI", "/v1", "responses", "/v1/responses" },
    { "Unheard", "/v1", "responses", "/v1/responses" },
  }) do
    it(("%s offers %s at %s"):format(case[1], case[3], case[4]), function()
      assert.equal(case[4], offers.of(case[1], case[2])[case[3]].path)
    end)
  end

  for _, case in ipairs({
    { "OpenAI", "messages" }, { "Poe", "messages" }, { "Perplexity", "responses" }, { "SiliconFlow", "responses" },
    { "VLLM", "beta" },
  }) do
    it(("%s is not asked for %s"):format(case[1], case[2]), function()
      assert.is_nil(offers.of(case[1], "/v1")[case[2]])
    end)
  end

  it("gets its key as a bearer token, DeepSeek's messages surface as x-api-key", function()
    assert.equal("bearer", offers.of("DeepSeek", "/v1").chat.key_member)
    assert.equal("bearer", offers.of("VLLM", "/v1").messages.key_member)
    local place = offers.of("DeepSeek", "/v1").messages
    assert.same({ "\r\nX-Api-Key: ", "value" }, { place.key_line, place.key_member })
  end)

  it("is named to who wants what nobody in the pool has", function()
    assert.equal("DeepSeek, OpenAI, Poolkeeper", offers.providers_of("beta"))
    assert.is_nil(offers.providers_of("chat"))
  end)
end)

describe("the pool's models", function()
  it("are listed in both clients' shape", function()
    local list = cjson.decode(models.list({ "a", "b" }))
    assert.same({ "list", false, "a", "b" }, { list.object, list.has_more, list.first_id, list.last_id })
    local second = list.data[2]
    assert.same({ "b", "model", "model", "b", "poolkeeper", 0 },
                { second.id, second.object, second.type, second.display_name, second.owned_by, second.created })
    assert.same(second, cjson.decode(models.one("b")))
  end)
end)
