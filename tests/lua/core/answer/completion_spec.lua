local cachekey = require "core.request.cache_key"
local chunk = require "core.answer.chunk"
local cjson = require "cjson.safe"
local completion = require "core.answer.completion"
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
    local events = completion.as_stream("chat", cjson.decode(ANSWER), true)
    local again = cjson.decode(json.encode(whole_of("chat", events)))
    assert.same(cjson.decode(ANSWER), again)
    assert.equal("data: [DONE]\n\n", events:sub(-14))
  end)

  it("tells its account only to those who asked", function()
    assert.is_nil(completion.as_stream("chat", cjson.decode(ANSWER), false):find('"usage":{', 1, true))
  end)

  it("may be a text completion", function()
    local answer = cjson.decode('{"id":"x","model":"m","choices":[{"index":0,"text":"abc","finish_reason":"stop"}]}')
    local again = whole_of("completions", completion.as_stream("completions", answer, true))
    assert.equal("abc", again.choices[1].text)
  end)

  for _, choices in ipairs({ 'null', '1', '"x"', '[]', '[null]', '[1]' }) do
    it("is none with the choices " .. choices, function()
      assert.is_nil(completion.as_stream("chat", cjson.decode('{"choices":' .. choices .. "}"), true))
    end)
  end

  it("may name tool calls that are none", function()
    local answer = cjson.decode('{"choices":[{"index":0,"message":{"content":"a","tool_calls":[null]},"finish_reason":"stop"}]}')
    assert.equal("a", whole_of("chat", completion.as_stream("chat", answer, true)).choices[1].message.content)
  end)

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
    assert.equal('Busy "now"', whole_of("chat", completion.as_stream("chat", answer, true)).choices[1].message.content)
  end)
end)

describe("two requests", function()
  local function key(body, owner, first_model)
    local said = {}
    cachekey.say("chat", owner or "", assert(request.parse(body, cjson.decode, first_model or "m", CHAT)), function(text, from, to)
      said[#said + 1] = text:sub(from, to)
    end)
    return table.concat(said)
  end
  local ONE = '{"model":"m","messages":[{"role":"user","content":"Hi"}],"temperature":0}'

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
