-- An answer in the other form says the same: whole, as a stream, and whole again, member by member and digit by digit.
local anthropic = require "core.forms.anthropic"
local cjson = require "cjson.safe"
local openai = require "core.forms.openai"
local responses = require "core.forms.responses"
local sse = require "core.answer.sse"
local surfaces = require "core.protocol.surface"

local function whole_of(surface, events)
  local assembly = surface.protocol.new_assembly(cjson.decode, { surface = surface.name, provider = "OpenAI" })
  assembly:add(events)
  return assembly:whole()
end

local function chat(choices, more)
  return ('{"id":"c1","object":"chat.completion","created":1732000000,"model":"m","system_fingerprint":"fp",'
    .. '"choices":[%s],"usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}%s}')
    :format(choices, more or "")
end

local function message(members, reason, more)
  return ('{"index":0,"message":{"role":"assistant",%s},"logprobs":null,"finish_reason":"%s"%s}')
    :format(members, reason or "stop", more or "")
end

local CALLS = '"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\\"x\\":1}"}},'
  .. '{"id":"b","type":"function","function":{"name":"g","arguments":"{}"},"extra_content":{"signature":"s"}}]'

-- The same, whatever order its members are in.
local function assert_same(want, got)
  assert.same(cjson.decode(want), cjson.decode(got))
end

describe("a chat answer", function()
  for title, body in pairs({
    ["of text"] = chat(message('"content":"He said \\"hi\\"\\n","refusal":null')),
    ["that reasons"] = chat(message('"content":"4","reasoning_content":"2+2"')),
    ["of calls"] = chat(message('"content":null,' .. CALLS, "tool_calls")),
    ["of text and calls"] = chat(message('"content":"Let me see",' .. CALLS, "tool_calls")),
    ["that refuses"] = chat(message('"content":null,"refusal":"No."')),
    ["of two choices"] = chat(message('"content":"a"') .. ',{"index":1,"message":{"role":"assistant","content":"b"},'
      .. '"logprobs":null,"finish_reason":"length"}'),
    ["with more at the top"] = chat(message('"content":"a"'), ',"service_tier":"default","citations":["u"]'),
    ["with pictures"] = chat(message('"content":"a","images":[{"url":"x"}],"annotations":[{"type":"url_citation"}]')),
  }) do
    it(title .. " says the same as a stream", function()
      local events = openai.as_stream(body, "chat", true)
      assert_same(body, whole_of(surfaces.CHAT, events))
    end)
  end

  it("keeps probabilities digit by digit, and empty lists", function()
    local token = '{"token":"a","logprob":-0.12345678901234567,"bytes":[97],"top_logprobs":[]}'
    local body = chat('{"index":0,"message":{"role":"assistant","content":"a"},"logprobs":{"content":[' .. token
      .. ']},"finish_reason":"stop"}')
    local events = openai.as_stream(body, "chat", true)
    assert.truthy(events:find(token, 1, true))
    assert.truthy(whole_of(surfaces.CHAT, events):find(token, 1, true))
  end)

  it("gives its account to who asked, and to nobody else", function()
    local body = chat(message('"content":"a"'))
    assert.truthy(openai.as_stream(body, "chat", true):find('"usage":{', 1, true))
    assert.is_nil(openai.as_stream(body, "chat", false):find('"usage":{', 1, true))
  end)

  it("may be printed over several lines", function()
    local body = '{\n "id": "x",\n "choices": [\n  {"index": 0, "message": {"role": "assistant",\n "content": "a"},'
      .. '"finish_reason": "stop"}\n ]\n}'
    local datas = sse.all(openai.as_stream(body, "chat", true))
    assert.equal("a", cjson.decode(datas[1]).choices[1].delta.content)
    assert.equal("[DONE]", datas[3])
  end)

  it("comes together from pieces: names, calls under one index, an empty text beside calls", function()
    local function event(delta, reason)
      return ('data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n')
        :format(delta, reason or "null")
    end
    local whole = cjson.decode(whole_of(surfaces.CHAT, event('{"role":"assistant","content":""}')
      .. event('{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"get_","arguments":""}}]}')
      .. event('{"tool_calls":[{"index":0,"function":{"name":"time","arguments":"{"}}]}')
      .. event('{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}')
      .. event('{"tool_calls":[{"index":0,"id":"b","type":"function","function":{"name":"get_date","arguments":"{}"}}]}')
      .. event("{}", '"tool_calls"') .. "data: [DONE]\n\n"))
    local said = whole.choices[1].message
    assert.equal("chat.completion", whole.object)
    assert.equal(cjson.null, said.content)
    assert.same({ { id = "a", type = "function", ["function"] = { name = "get_time", arguments = "{}" } },
                  { id = "b", type = "function", ["function"] = { name = "get_date", arguments = "{}" } } }, said.tool_calls)
    assert.equal("tool_calls", whole.choices[1].finish_reason)
  end)

  for _, choices in ipairs({ "null", "1", '"x"', "[]", "[null]", "[1]" }) do
    it("is none with the choices " .. choices, function()
      assert.is_nil(openai.as_stream('{"choices":' .. choices .. "}", "chat", true))
    end)
  end
end)

describe("a text completion", function()
  it("says the same as a stream", function()
    local body = '{"id":"x","object":"text_completion","model":"m","choices":[{"index":0,"text":"abc","logprobs":{"tokens":["a"],'
      .. '"token_logprobs":[-0.5],"top_logprobs":[{"a":-0.5}],"text_offset":[0]},"finish_reason":"length"}],"usage":{"total_tokens":5}}'
    assert_same(body, whole_of(surfaces.POST["/v1/completions"], openai.as_stream(body, "completions", true)))
  end)
end)

describe("a message", function()
  local function whole(blocks, reason)
    return ('{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[%s],"stop_reason":"%s","stop_sequence":null,'
      .. '"usage":{"input_tokens":3,"output_tokens":2}}'):format(blocks, reason or "end_turn")
  end
  for title, body in pairs({
    ["of text"] = whole('{"type":"text","text":"He said \\"hi\\""}'),
    ["that thinks"] = whole('{"type":"thinking","thinking":"hm","signature":"s=="},{"type":"text","text":"4"}'),
    ["of calls"] = whole('{"type":"tool_use","id":"t","name":"f","input":{"x":[1,2.50]}},'
      .. '{"type":"tool_use","id":"u","name":"g","input":{}}', "tool_use"),
    ["with citations"] = whole('{"type":"text","text":"a","citations":[{"type":"char_location","cited_text":"x"}]}'),
    ["of a block that nobody knows"] = whole('{"type":"redacted_thinking","data":"xyz"}'),
    ["of nothing"] = whole(""),
  }) do
    it(title .. " says the same as a stream", function()
      local events = anthropic.as_stream(body)
      assert_same(body, whole_of(surfaces.POST["/v1/messages"], events))
      assert.truthy(events:find("^event: message_start\ndata: ") and events:find("event: message_stop\n", 1, true))
    end)
  end
end)

describe("a response", function()
  local BODY = '{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":['
    .. '{"id":"rs","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},'
    .. '{"id":"msg","type":"message","role":"assistant","status":"completed","content":['
    .. '{"type":"output_text","text":"hello","annotations":[]},{"type":"refusal","refusal":"no"}]},'
    .. '{"id":"fc","type":"function_call","call_id":"c","name":"f","arguments":"{}","status":"completed"},'
    .. '{"id":"ws","type":"web_search_call","status":"completed"}],"usage":{"input_tokens":3,"output_tokens":2}}'

  it("says the same as a stream, byte by byte in its last event", function()
    assert.equal(BODY, whole_of(surfaces.POST["/v1/responses"], responses.as_stream(BODY)))
  end)

  it("is streamed item by item, in numbered events", function()
    local names, texts = {}, {}
    for i, data in ipairs(sse.all(responses.as_stream(BODY))) do
      local value = cjson.decode(data)
      assert.equal(i - 1, value.sequence_number)
      names[value.type] = (names[value.type] or 0) + 1
      texts[value.type] = value.delta
    end
    assert.equal("hello", texts["response.output_text.delta"])
    assert.equal("no", texts["response.refusal.delta"])
    assert.equal("hm", texts["response.reasoning_summary_text.delta"])
    assert.equal("{}", texts["response.function_call_arguments.delta"])
    assert.equal(4, names["response.output_item.added"])
    assert.equal(names["response.output_item.added"], names["response.output_item.done"])
    assert.equal(1, names["response.completed"])
  end)
end)
