local cjson = require "cjson.safe"
local continuation = require "core.request.continuation"
local offers = require "core.request.surface_support"
local transcript = require "core.answer.transcript"

local ASKED = '{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true,"max_tokens":60}'

local function continued(body, provider, text)
  return continuation.body(body, text or 'He said "', 4, continuation.dialect(provider), cjson.decode)
end

local function last_message(body)
  local messages = cjson.decode(body).messages
  return messages[#messages], #messages
end

describe("a request to go on with an answer", function()
  it("gives DeepSeek a prefix, at the beta surface", function()
    local message, count = last_message(continued(ASKED, "DeepSeek"))
    assert.same({ role = "assistant", content = 'He said "', prefix = true }, message)
    assert.equal(2, count)
    assert.equal("/beta/chat/completions", offers.of("DeepSeek", "/v1")[continuation.dialect("DeepSeek").place].path)
  end)

  it("has vLLM's and SGLang's chat template leave the last message open", function()
    for _, provider in ipairs({ "VLLM", "SGLang" }) do
      local body = cjson.decode(continued(ASKED:gsub("^{", '{"add_generation_prompt":true,'), provider))
      assert.same({ true, false }, { body.continue_final_message, body.add_generation_prompt })
      assert.is_nil(body.messages[2].prefix)
    end
  end)

  it("is a last message of the assistant for everybody else", function()
    assert.same({ role = "assistant", content = 'He said "' }, (last_message(continued(ASKED, "LlamaCpp"))))
  end)

  it("goes behind the beginning that the caller brought", function()
    local body = '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"Once \\"","prefix":true,"x":1.0}]}'
    for provider, prefix in pairs({ DeepSeek = true, VLLM = false }) do
      local message, count = last_message(continued(body, provider, "upon"))
      assert.same({ role = "assistant", content = 'Once "upon', prefix = prefix or nil, x = 1 }, message)
      assert.equal(2, count)
    end
  end)

  it("asks for no more tokens than are left", function()
    assert.equal(56, cjson.decode(continued(ASKED, "DeepSeek")).max_tokens)
    assert.equal(1, cjson.decode(continued(ASKED:gsub("60", "3"), "DeepSeek")).max_tokens)
  end)

  it("goes behind a text prompt", function()
    local body = '{"model":"m","prompt":"Once \\"upon\\"","stream":true}'
    assert.equal('Once "upon"\n a time', cjson.decode(continued(body, "VLLM", "\n a time")).prompt)
  end)

  it("keeps everything else as it was written", function()
    local body = ASKED:gsub("}$", ',"tools":[],"seed":12345678901234567890}')
    assert.truthy(continued(body, "VLLM"):find('"tools":[],"seed":12345678901234567890', 1, true))
  end)

  for title, body in pairs({
    ["a last message of the assistant that is no beginning"] = '{"messages":[{"role":"assistant","content":"a"}]}',
    ["a beginning that is no text"] = '{"messages":[{"role":"assistant","content":[],"prefix":true}]}',
    ["messages that are none"] = '{"messages":"x"}',
    ["an empty conversation"] = '{"messages":[]}',
    ["a prompt that is a list"] = '{"prompt":["a","b"]}',
    ["an echoed prompt"] = '{"prompt":"a","echo":true}',
    ["a member that occurs twice"] = '{"messages":[{"role":"user","content":"a"}],"messages":[]}',
    ["a member in escapes"] = '{"m\\u0065ssages":[{"role":"user","content":"a"}]}',
    ["neither messages nor prompt"] = '{"input":"a"}',
  }) do
    it("is not possible for " .. title, function()
      assert.is_nil(continued(body, "VLLM"))
    end)
  end
end)

describe("what can be continued", function()
  local function record(...)
    local made = transcript.new()
    for _, delta in ipairs({ ... }) do
      made:record(delta.index or 0, delta)
    end
    return made
  end

  it("is the text of one choice", function()
    assert.equal("content", continuation.channel(record({ content = "a" }), "chat"))
    assert.equal("text", continuation.channel(record({ text = "a" }), "completions"))
  end)

  for title, made in pairs({
    ["nothing sent"] = record(),
    ["only reasoning"] = record({ reasoning_content = "a" }),
    ["a tool call"] = record({ content = "a" }, { tool_calls = { { ["function"] = { name = "f" } } } }),
    ["two choices"] = record({ content = "a" }, { content = "b", index = 1 }),
    ["what is no text"] = record({ content = "a" }, { audio = { data = "x" } }),
  }) do
    it("is not " .. title, function()
      assert.is_nil(continuation.channel(made, "chat"))
    end)
  end
end)

describe("a transcript", function()
  it("holds what was sent, however many pieces it came in", function()
    local made, want = transcript.new(), {}
    local channel = made:channel(0, "content")
    for i = 1, 1000 do
      transcript.add(channel, i .. " ")
      want[i] = i .. " "
      if i % 63 < 3 then
        assert.equal(table.concat(want), made:texts()[0].content)
      end
    end
    assert.equal(1000, made:pieces(0, "content"))
  end)
end)

describe("a request whose answer is bound to a grammar", function()
  for member, want in pairs({
    ['"response_format":{"type":"json_object"}'] = true,
    ['"response_format":{"type":"json_schema","json_schema":{"name":"p","schema":{}}}'] = true,
    ['"guided_json":{"type":"object"}'] = true,
    ['"guided_regex":"[0-9]+"'] = true,
    ['"structured_outputs":{"choice":["a","b"]}'] = true,
    ['"grammar":"root ::= [a-z]+"'] = true,
    ['"tool_choice":"required"'] = true,
    ['"tool_choice":{"type":"function","function":{"name":"f"}}'] = true,
    ['"response_format":{"type":"text"}'] = false,
    ['"response_format":null'] = false,
    ['"tool_choice":"auto"'] = false,
    ['"tools":[]'] = false,
  }) do
    it("is one: " .. tostring(want) .. ", with " .. member, function()
      assert.equal(want, continuation.is_bound('{"model":"m",' .. member .. "}"))
    end)
  end
end)
