local cachekey = require "core.request.cache_key"
local chunk = require "core.answer.chunk"
local cjson = require "cjson.safe"
local completion = require "core.answer.completion"
local forms = require "core.forms.openai"
local json = require "core.json.encode"
local request = require "core.request.body"
local stream = require "core.answer.stream"
local surfaces = require "core.protocol.surface"
local transcript = require "core.answer.transcript"

local CHAT = surfaces.POST["/v1/chat/completions"]

-- A stream's bytes as a whole answer.
local function whole_of(surface, text)
  local record, reader = transcript.new(), chunk.new(cjson.decode, 1)
  reader:record_into(record)
  local events = stream.new(reader, true)
  events:feed(text, true)
  return completion.of_stream(surface, record, reader.final, reader.usage, json.NULL)
end

local ANSWER = [[{"id":"x","object":"chat.completion","created":1732000000,"model":"m","choices":[{"index":0,"message":{
  "role":"assistant","content":"He said \"hi\"\n","reasoning_content":"Hm","tool_calls":[{"id":"call_9","type":"function",
  "function":{"name":"weather","arguments":"{\"city\":\"Berlin\"}"}}]},"finish_reason":"tool_calls"}],
  "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}]]

describe("an answer that is kept", function()
  it("says the same as a stream, and back", function()
    local events = forms.as_stream(ANSWER, "chat", true)
    local again = cjson.decode(json.encode(whole_of("chat", events)))
    assert.same(cjson.decode(ANSWER), again)
    assert.equal("data: [DONE]\n\n", events:sub(-14))
  end)

  it("may be a text completion", function()
    local answer = '{"id":"x","model":"m","choices":[{"index":0,"text":"abc","finish_reason":"stop"}]}'
    local again = whole_of("completions", forms.as_stream(answer, "completions", true))
    assert.equal("abc", again.choices[1].text)
  end)

  it("keeps a refusal, parallel calls under one index and the fingerprint", function()
    local whole = whole_of("chat", 'data: {"id":"x","system_fingerprint":"fp","choices":[{"index":0,"delta":{"refusal":"No","tool_calls":['
      .. '{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}'
      .. ']},"finish_reason":null}]}\n\ndata: {"id":"x","system_fingerprint":"fp","choices":[{"index":0,"delta":{},'
      .. '"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n')
    assert.equal("No", whole.choices[1].message.refusal)
    assert.equal("fp", whole.system_fingerprint)
    assert.same({ "f", "g" }, { whole.choices[1].message.tool_calls[1]["function"].name,
                                whole.choices[1].message.tool_calls[2]["function"].name })
  end)

  for title, more in pairs({
    ["probabilities"] = '"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-1}]}',
    ["a member that nobody knows"] = '"delta":{"content":"a","thoughts":"b"}',
    ["pictures"] = '"delta":{"content":"a","images":[{"url":"x"}]}',
    ["details of its reasoning"] = '"delta":{"content":"a","reasoning_details":[{"text":"x"}]}',
  }) do
    it("is none where it would lose " .. title, function()
      assert.is_nil(whole_of("chat", 'data: {"id":"x","choices":[{"index":0,' .. more .. ',"finish_reason":null}]}\n\n'
        .. 'data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'))
    end)
  end

  it("is none when two choices were sent", function()
    local record = transcript.new()
    record:record(0, { content = "a" })
    record:record(1, { content = "b" })
    assert.is_nil(completion.of_stream("chat", record, { choices = { { finish_reason = "stop" } } }))
  end)
end)

describe("a text of our own", function()
  it("looks as if the model had said it, whole and streamed", function()
    local answer = completion.of_text("chat", 'Busy "now"', "id", "m", 1732000000)
    local decoded = cjson.decode(json.encode(answer))
    assert.equal('Busy "now"', decoded.choices[1].message.content)
    assert.equal("stop", decoded.choices[1].finish_reason)
    assert.equal('Busy "now"', whole_of("chat", forms.as_stream(json.encode(answer), "chat")).choices[1].message.content)
  end)
end)

describe("two requests", function()
  local sink = {
    add = function(said, text, from, to)
      said[#said + 1] = text:sub(from, to)
    end,
    add_lengths = function(said, one, other)
      said[#said + 1] = ("%08x%08x"):format(one, other)
    end,
  }

  local function key(body, owner, first_model, asked)
    local said, parsed = {}, assert(request.parse(body, cjson.decode, first_model or "m", CHAT))
    cachekey.say("chat", owner or "", "", asked or "", parsed, sink, said, function() end)
    return table.concat(said)
  end
  local ONE = '{"model":"m","messages":[{"role":"user","content":"Hi"}],"temperature":0}'

  it("are not the same when their headers ask for something else", function()
    assert.not_equal(key(ONE, "", "m", "anthropic-beta: x"), key(ONE))
    assert.not_equal(key(ONE, "", "mx", ""), key(ONE, "", "m", "x"))
  end)

  it("are the same in however many pieces a long one is said", function()
    local long = ONE:gsub("Hi", ("x"):rep(3 * 1024 * 1024 + 5))
    assert.equal(key(long), key(long))
    assert.truthy(key(long):find(("x"):rep(3 * 1024 * 1024 + 5), 1, true))
    assert.not_equal(key(long), key((long:gsub("x", "y", 1))))
  end)

  it("are not the same when the model that neither names is another one now", function()
    assert.not_equal(key('{"messages":[]}', "", "m"), key('{"messages":[]}', "", "n"))
    assert.equal(key(ONE, "", "m"), key(ONE, "", "n"))
  end)

  it("are the same in whatever order they say the same, streamed or not", function()
    assert.equal(key(ONE), key('{"temperature":0,"stream":true,"stream_options":{"include_usage":true},"model":"m",'
      .. '"messages":[{"role":"user","content":"Hi"}]}'))
  end)

  for title, other in pairs({
    ["another question"] = ONE:gsub("Hi", "Ho"),
    ["another model"] = ONE:gsub('"m"', '"n"'),
    ["another temperature"] = ONE:gsub(":0}", ":1}"),
    ["tools"] = ONE:gsub("}$", ',"tools":[{}]}'),
    ["another user"] = ONE:gsub("}$", ',"user":"u"}'),
  }) do
    it("differ by " .. title, function()
      assert.not_equal(key(ONE), key(other))
    end)
  end

  it("are the same in any order of many members", function()
    local function body(from, to, step)
      local members = {}
      for i = from, to, step do
        members[#members + 1] = ('"p%d":%d'):format(i, i)
      end
      return "{" .. table.concat(members, ",") .. "}"
    end
    assert.equal(key(body(1, 15, 1)), key(body(15, 1, -1)))
    assert.equal(key(body(1, 40, 1)), key(body(40, 1, -1)))
    assert.not_equal(key(body(1, 40, 1)), key(body(1, 41, 1)))
  end)

  it("differ by which value of a member comes last", function()
    assert.not_equal(key('{"a":1,"a":2}'), key('{"a":2,"a":1}'))
  end)

  it("differ by a member that one says twice", function()
    assert.not_equal(key(ONE), key((ONE:gsub("}$", ',"temperature":0}'))))
  end)

  it("differ when only the border between two members does", function()
    assert.not_equal(key('{"model":"m","a":"x","b":"y"}'), key('{"model":"m","a":"x1 3 b","b":"y"}'))
  end)

  it("of two clients differ", function()
    assert.not_equal(key(ONE, "web"), key(ONE, "batch"))
  end)
end)
