local cjson = require "cjson.safe"
local repair = require "core.request.repair"

local function repaired(body, words)
  local text, what = repair.of(body, words, cjson.decode)
  return text and cjson.decode(text), what
end

describe("a request with a member that the provider does not know", function()
  local WORDS = {
    'context_management: Extra inputs are not permitted',
    '{"error":{"message":"context_management: Extra inputs are not permitted"}}',
    "[{'type': 'extra_forbidden', 'loc': ('body', 'context_management'), 'msg': 'Extra inputs are not permitted'}]",
    "Unrecognized request argument supplied: context_management",
    "Unknown parameter: 'context_management'.",
    '{"error":{"message":"Unsupported parameter: \\"context_management\\" with this model"}}',
    '[{"error":{"message":"Invalid JSON payload received. Unknown name \\"context_management\\": Cannot find field."}}]',
    '{"error":{"message":"json: unknown field \\"context_management\\""}}',
    "property 'context_management' is unsupported",
    '"context_management" is not supported on /v1/chat/completions and was not applied.',
    "litellm.UnsupportedParamsError: x does not support parameters: ['context_management'], for model=y",
  }

  it("is sent without it", function()
    for _, words in ipairs(WORDS) do
      local body, what = repaired('{"model":"m","messages":[],"context_management":{"edits":[]}}', words)
      assert.equal("unknown_member", what, words)
      assert.is_nil(body.context_management)
      assert.equal("m", body.model)
    end
  end)

  it("is not sent without what makes it this request", function()
    assert.is_nil(repaired('{"model":"m","response_format":{}}', "Unknown parameter: 'response_format'."))
    assert.is_nil(repaired('{"model":"m","tools":[]}', "tools: Extra inputs are not permitted"))
  end)

  it("stays as it is where the words speak of a place inside, or of a member that it has not", function()
    assert.is_nil(repaired('{"model":"m","scope":1}', "messages.0.cache_control.scope: Extra inputs are not permitted"))
    assert.is_nil(repaired('{"model":"m"}', "Unknown parameter: 'store'."))
  end)
end)


describe("a request that is refused in this form", function()
  it("has the reasoning that its history lacks", function()
    local body, what = repaired('{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","n":1.0},'
      .. '{"role":"assistant","content":"c","reasoning_content":"kept"}]}',
      "The `reasoning_content` in the thinking mode must be passed back to the API.")
    assert.equal("reasoning_content", what)
    assert.equal(" ", body.messages[2].reasoning_content)
    assert.equal("kept", body.messages[3].reasoning_content)
    assert.is_nil(body.messages[1].reasoning_content)
  end)

  it("has the thinking that its history lacks, on the Messages API", function()
    local body = repaired('{"messages":[{"role":"assistant","content":"b"},{"role":"assistant","content":[{"type":"tool_use",'
      .. '"id":"1","name":"f","input":{}}]}]}', "The `content[].thinking` in the thinking mode must be passed back to the API.")
    assert.equal("thinking", body.messages[1].content[1].type)
    assert.equal("b", body.messages[1].content[2].text)
    assert.equal("thinking", body.messages[2].content[1].type)
    assert.equal("tool_use", body.messages[2].content[2].type)
  end)

  it("asks for no effort where thinking is off", function()
    local body, what = repaired('{"thinking":{"type":"disabled"},"reasoning_effort":"high","messages":[]}',
                                "thinking options type cannot be disabled when reasoning_effort is set")
    assert.equal("reasoning_effort", what)
    assert.is_nil(body.reasoning_effort)
    assert.equal("disabled", body.thinking.type)
  end)

  it("names its user in letters that are taken", function()
    local words = "Invalid 'user_id': string does not match pattern. Expected '^[a-zA-Z0-9_-]+$'."
    assert.equal("a_b_c-1", repaired('{"user_id":"a@b.c-1"}', words).user_id)
    local body = repaired('{"metadata":{"user_id":"{\\"device\\":\\"x\\"}","k":1}}', words)
    assert.equal("__device___x__", body.metadata.user_id)
    assert.equal(1, body.metadata.k)
    assert.is_nil((repaired('{"messages":[]}', words)))
  end)

  it("leaves the choice of a tool to the model", function()
    local body, what = repaired('{"tool_choice":"required","tools":[{}]}', "Thinking mode does not support this tool_choice")
    assert.equal("tool_choice", what)
    assert.is_nil(body.tool_choice)
    assert.equal(1, #body.tools)
  end)

  it("leaves out another provider's thinking", function()
    local body = repaired('{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"s"},'
      .. '{"type":"text","text":"b"}]},{"role":"assistant","content":[{"type":"redacted_thinking","data":"d"}]}]}',
      "messages.1.content.0: Invalid `signature` in `thinking` block")
    assert.equal(1, #body.messages)
    assert.same({ { type = "text", text = "b" } }, body.messages[1].content)
    body = repaired('{"input":[{"type":"reasoning","encrypted_content":"x"},{"type":"message","role":"user"}]}',
                    '{"error":{"code":"invalid_encrypted_content"}}')
    assert.equal(1, #body.input)
  end)

  it("has roles and limits by the names that are taken", function()
    local body = repaired('{"messages":[{"role":"developer","content":"x"}]}', "messages[0].role: unknown variant `developer`, ...")
    assert.equal("system", body.messages[1].role)
    body = repaired('{"max_tokens":7}', "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    assert.same({ max_completion_tokens = 7 }, body)
  end)

  it("stays as it is where nobody knows how", function()
    assert.is_nil((repaired('{"messages":[]}', "image input is not supported")))
    assert.is_nil((repaired('{"messages":[]}', "Thinking mode does not support this tool_choice")))
    assert.is_nil((repaired("[]", "the `reasoning_content` in the thinking mode")))
  end)
end)
