-- OpenAI's protocol: what a whole answer is, and how errors are reported. Its streams: stream_spec.lua.
local cjson = require "cjson.safe"
local openai = require "core.protocol.openai"

describe("a complete answer of status 200", function()
  local GOOD = '{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}'
  for _, case in ipairs({
    { name = "is one with choices", body = GOOD, want = true },
    { name = "may have blank lines around it", body = "\n\n" .. GOOD .. "\n", want = true },
    { name = "may speak of errors", body = '{"choices":[{"message":{"content":"an \\"error\\" {"}}]}', want = true },
    { name = "may carry a null error", body = '{"error":null,' .. GOOD:sub(2), want = true },
    { name = "is none with an error", body = '{"error":{"message":"x"},"choices":[]}', want = false },
    { name = "is none with choices that are null", body = '{"object":"chat.completion","choices":null}', want = false },
    { name = "is none with an empty list of choices", body = '{"choices":[],"usage":{"prompt_tokens":1}}', want = false },
    { name = "is none with a choice that is null", body = '{"choices":[null]}', want = false },
    { name = "is none with a message that is null", body = '{"choices":[{"message":null,"finish_reason":"stop"}]}', want = false },
    { name = "is none with a message that is a word", body = '{"choices":[{"message":"x"}]}', want = false },
    { name = "is none without choices", body = '{"code":50505,"message":"x"}', want = false },
    { name = "is none when it breaks off", body = GOOD:sub(1, -10), want = false },
    { name = "is none when it is empty", body = "", want = false },
    { name = "is none when it is a page", body = "<html></html>", want = false },
  }) do
    it(case.name, function()
      assert.equal(case.want, (openai.read_whole(case.body, cjson.decode, "choices")))
    end)
  end

  it("that the provider could not finish says so", function()
    local text = '{"choices":[{"message":{},"finish_reason":"stop"},{"message":{},"finish_reason": "%s"}]}'
    local function cut_reason(body)
      return select(2, openai.read_whole(body, cjson.decode, "choices"))
    end
    assert.equal("insufficient_system_resource", cut_reason(text:format("insufficient_system_resource")))
    assert.equal("error", cut_reason(text:format("error")))
    assert.is_nil(cut_reason(text:format("length")))
    assert.is_nil(cut_reason('{"choices":[{"message":{"content":"\\"finish_reason\\":\\"error\\""}}]}'))
  end)
end)

describe("a complete list of embeddings", function()
  for body, want in pairs({
    ['{"data":[{"embedding":[0.1]}]}'] = true, ['{"data":[]}'] = false, ['{"data":null}'] = false, ["{}"] = false,
  }) do
    it("is one: " .. tostring(want) .. " of " .. body, function()
      assert.equal(want, (openai.read_whole(body, cjson.decode, "data")))
    end)
  end
end)

describe("half a character", function()
  it("is understood where an answer must be decoded", function()
    assert.is_true((openai.read_whole([[{"choices":[{"text":"\ud83d {"}],"error":null}]], cjson.decode, "choices")))
  end)
end)

describe("the account of tokens", function()
  it("is read from the end of an answer", function()
    local body = '{"choices":[{"text":"x"}],"usage":{"prompt_tokens":3,"completion_tokens": 2}}'
    local _, _, usage = openai.read_whole(body, cjson.decode, "choices")
    assert.same({ prompt_tokens = 3, completion_tokens = 2 }, usage)
  end)

  it("may be missing", function()
    assert.is_nil((select(3, openai.read_whole('{"choices":[]}', cjson.decode, "choices"))))
  end)
end)

describe("an error made here", function()
  it("is OpenAI's, in a body and in a stream", function()
    local want = { error = { message = "no \"way\"", type = "poolkeeper_error", param = cjson.null, code = "c" } }
    assert.same(want, cjson.decode(openai.error_body('no "way"', "c", 503)))
    assert.same(want, cjson.decode(openai.error_event('no "way"', "c"):match("^data: (.*)\n\n$")))
  end)
end)
