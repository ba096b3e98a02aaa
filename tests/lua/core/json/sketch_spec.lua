local cjson = require "cjson.safe"
local sketch = require "core.json.sketch"

local function sketched(text)
  local pauses = 0
  local value = sketch.of(text, cjson.decode, function() pauses = pauses + 1 end)
  return value, pauses
end

describe("a sketch of JSON", function()
  for _, text in ipairs({
    '{"a":1,"b":[true,false,null,-1.5e3,"x\\n\\u00e9"],"c":{},"d":[],"e":{"f":{"g":"h"}}}', "[]", "{}", "[[1],{}]",
    ' {"a" : [ 1 , 2 ] , "b\\u0063" : { "c" : "d" } } ', '{"a":1,"a":2}', '{"choices":[{"message":{"content":[{"text":"x"}]}}]}',
  }) do
    it("is all of a small one: " .. text, function()
      assert.same(cjson.decode(text), (sketched(text)))
    end)
  end

  for _, text in ipairs({ "", " ", "1", '"a"', "null", "{", '{"a":', '{"a":[1}', '{"a":"b', "[1]]", "{} {}", '{"a":1,}', "tru" }) do
    it("there is none of " .. text, function()
      assert.is_nil((sketched(text)))
    end)
  end

  it("has the beginnings of long texts, half characters as one that is none", function()
    local value = sketched('{"a":"' .. ("x"):rep(100000) .. '","b":"\\ud83d"}')
    assert.equal(("x"):rep(1024), value.a)
    assert.equal("\239\191\189", value.b)
  end)

  it("has the first items of a long list", function()
    local value = sketched('{"a":[' .. ("1,"):rep(100000) .. "2]}")
    assert.equal(1000, #value.a)
    assert.equal(1, value.a[1000])
  end)

  it("says of what lies deep only whether it is empty", function()
    local value = sketched('{"a":{"b":{"c":{"d":{"e":{"f":{"g":1},"h":{}}}}}}}')
    assert.same({ f = { true }, h = {} }, value.a.b.c.d.e)
  end)

  it("has a bounded number of values", function()
    local count, text = 0, "[" .. ('{"a":[{},{},{"b":[1]}]},'):rep(999) .. "1]"
    local function walk(value)
      count = count + 1
      for _, member in pairs(type(value) == "table" and value or {}) do
        walk(member)
      end
    end
    walk(sketched(("[" .. (text .. ","):rep(30) .. "1]")))
    assert.is_true(count < 45000)
  end)

  it("pauses in proportion to what it reads", function()
    local unit = '{"role":"a","content":["b","c\\""]},'
    local _, few = sketched('{"a":[' .. unit:rep(20000) .. "1]}")
    local _, many = sketched('{"a":[' .. unit:rep(80000) .. "1]}")
    assert.is_true(many - few > 60) -- two megabytes more, of which no more is kept
  end)
end)

describe("a long whole answer", function()
  local long = ("x"):rep(300000)
  local function read(path, body)
    local surface = require("core.protocol.surface").POST[path]
    local asked = {}
    local is_answer, cut, usage = surface.protocol.read_whole(body, sketch.decoder_of(body, function(text)
      asked[#asked + 1] = #text
      return cjson.decode(text)
    end, function() end), surface.member)
    for _, size in ipairs(asked) do
      assert.is_true(size < 2000)
    end
    return is_answer, cut, usage
  end
  local function chat(more, reason)
    return ('{"choices":[{"message":{"content":"%s"},"finish_reason":"%s"}],"usage":{"prompt_tokens":3,"completion_tokens":4}%s}')
      :format(long, reason or "stop", more or "")
  end

  it("is read without being decoded", function()
    local is_answer, cut, usage = read("/v1/chat/completions", chat())
    assert.is_true(is_answer)
    assert.is_nil(cut)
    assert.equal(4, usage.completion_tokens)
  end)

  it("may say that it was cut, is an error, or is no answer", function()
    assert.equal("error", select(2, read("/v1/chat/completions", chat("", "error"))))
    assert.is_false((read("/v1/chat/completions", chat(',"error":{"code":503}'))))
    assert.is_true((read("/v1/chat/completions", chat(',"error":null'))))
    assert.is_false((read("/v1/chat/completions", '{"choices":[],"x":"' .. long .. '"}')))
    assert.is_false((read("/v1/chat/completions", chat():sub(1, -2))))
  end)

  it("of the other APIs is read so, too", function()
    local message = '{"type":"message","content":[{"type":"text","text":"' .. long .. '"}],"stop_reason":"%s",'
      .. '"usage":{"input_tokens":3,"output_tokens":4}}'
    assert.is_true((read("/v1/messages", message:format("end_turn"))))
    assert.equal("error", select(2, read("/v1/messages", message:format("error"))))
    assert.is_true((read("/v1/responses", '{"object":"response","status":"completed","output":[{"type":"message",'
      .. '"content":[{"type":"output_text","text":"' .. long .. '"}]}]}')))
    assert.is_true((read("/v1/embeddings", '{"data":[{"embedding":[' .. ("0.25,"):rep(100000) .. '1]}]}')))
  end)

  it("may have no content", function()
    local empty = require "core.answer.empty"
    local decode = sketch.decoder_of(("x"):rep(1000000), cjson.decode, function() end)
    local body = '{"choices":[{"message":{"content":"%s","reasoning_content":"' .. long .. '"},"finish_reason":"stop"}]}'
    assert.is_true(empty.is_whole(body:format(""), decode))
    assert.is_false(empty.is_whole(body:format("a"), decode))
  end)
end)
