local cjson = require "cjson.safe"
local jsonscan = require "core.json.scan"
local peek = require "core.json.peek"
local request = require "core.request.body"
local surface = require "core.protocol.surface"

local function parse(body)
  return request.parse(body, cjson.decode, "default-model", surface.CHAT)
end

describe("members of an object", function()
  for _, case in ipairs({
    { "none", "{}", {} },
    { "with blanks everywhere", ' { "a" : 1 , "b" : "x" } ', { "a", 10, 10, "b", 20, 22 } },
    { "nested and with brackets in strings", '{"a":[1,{"x":"]}"}],"b":2}', { "a", 6, 19, "b", 25, 25 } },
    { "with escapes", '{"a\\"b":"c\\\\","d":null}', { 'a\\"b', 9, 13, "d", 19, 22 } },
    { "twice the same", '{"a":1,"a":2}', { "a", 6, 6, "a", 12, 12 } },
    { "all scalars", '{"a":-1.5e3,"b":true,"c":false,"d":null,"e":0}',
      { "a", 6, 11, "b", 17, 20, "c", 26, 30, "d", 36, 39, "e", 45, 45 } },
  }) do
    it(case[1], function()
      assert.same(case[3], jsonscan.members(case[2]))
    end)
  end

  for _, text in ipairs({ "", "[]", "1", '"a"', "{", '{"a"}', '{"a":}', '{"a":1,}', '{"a":1 "b":2}', '{"a":1}x', '{"a":[}', '{"a":{]}',
                          '{"a":"x}', '{"a":tru}', '{"a":01}', '{"a":+1}', '{"a":1.}', "{a:1}", '{,"a":1}', '{"a":nullx}' }) do
    it("there are none in " .. text, function()
      local members, err = jsonscan.members(text)
      assert.is_nil(members)
      assert.is_string(err)
    end)
  end

  it("are a thousand at most, and a clear word says so", function()
    assert.equal(3000, #jsonscan.members("{" .. ('"a":1,'):rep(999) .. '"a":1}'))
    local members, err = jsonscan.members("{" .. ('"a":1,'):rep(1000) .. '"a":1}')
    assert.is_nil(members)
    assert.equal("the object has more than 1000 members", err)
  end)

  it("are nested a thousand deep at most", function()
    assert.truthy(jsonscan.members('{"a":' .. ("["):rep(1000) .. ("]"):rep(1000) .. "}"))
    local _, err = jsonscan.members('{"a":' .. ("["):rep(1001) .. ("]"):rep(1001) .. "}")
    assert.equal("wanted a value at byte 6, nested 1000 deep at most", err)
  end)

  it("have names and numbers of a kilobyte at most", function()
    assert.is_nil(jsonscan.members('{"' .. ("a"):rep(1025) .. '":1}'))
    assert.truthy(jsonscan.members('{"a":' .. ("1"):rep(1023) .. "}"))
    assert.is_nil(jsonscan.members('{"a":' .. ("1"):rep(1025) .. "}"))
  end)

  it("are found in a part of a text", function()
    assert.same({ "a", 10, 10 }, jsonscan.members('[1, {"a":2} ]', nil, 5, 11))
    assert.is_nil(jsonscan.members('[1, {"a":2} ]', nil, 4, 10))
    assert.same({ 7, 7, 9, 9 }, jsonscan.items('{"a":[1,2]}', nil, 6, 10))
  end)

  for name, part in pairs({ lists = "[],", objects = '{"a":1},', numbers = "1,", strings = '"x",', escapes = '"\\"\\\\",',
                            blanks = " ", tabs = "\t\r\n" }) do
    it("are looked for in slices, through " .. name, function()
      local count = 0
      local function pause()
        count = count + 1
      end
      local long = part:rep(1024 * 1024 / #part)
      assert.truthy(jsonscan.members('{"a":[' .. long .. '1]}', pause))
      assert.is_true(count >= 8, count)
    end)
  end

  it("are looked for in slices, through many items", function()
    local count = 0
    assert.truthy(jsonscan.items("[" .. ("1,"):rep(500000) .. "1]", function() count = count + 1 end))
    assert.is_true(count >= 8, count)
  end)

  it("may be true at any depth", function()
    assert.is_true(peek.says_true('{"a":[{"prefix" :\n true}]}', "prefix"))
    assert.is_true(peek.says_true('{"prefix":false,"a":{"prefix":true}}', "prefix"))
    for _, text in ipairs({ "{}", '{"prefix":false}', '{"a":"prefix"}', '{"prefixed":true}', '{"prefix"', '{"prefix":tru' }) do
      assert.is_false(peek.says_true(text, "prefix"))
    end
  end)

  it("a text becomes a string that a parser gives back", function()
    for _, text in ipairs({ "", "a", 'a"b\\c', "\n\r\t\1\127", "é" }) do
      assert.equal(text, cjson.decode(jsonscan.quote(text)))
    end
  end)
end)

describe("a request", function()
  it("is sent as it came to an endpoint that calls the model the same", function()
    local body = '{"model": "m", "messages": [ ], "n": 2}'
    local parsed = parse(body)
    assert.equal(body, parsed:body_for('"m"'))
    assert.equal(2, parsed.choices)
  end)

  it("gets the endpoint's name of the model, and nothing else is touched", function()
    local parsed = parse('{"messages":[{"model":"m"}], "model":"m","x":1}')
    assert.equal('{"messages":[{"model":"m"}], "model":"org/m \\"x\\"","x":1}', parsed:body_for(jsonscan.quote('org/m "x"')))
    assert.equal('{"messages":[{"model":"m"}], "model":"b","x":1}', parsed:body_for('"b"'))
  end)

  it("gets a model when it has none: the pool's first", function()
    assert.equal('{"model":"up","messages":[]}', parse('{"messages":[]}'):body_for('"up"'))
    assert.equal('{"model":"up"}', parse("{}"):body_for('"up"'))
    assert.equal("default-model", parse("{}").model)
  end)

  it("may write the model with escapes", function()
    local parsed = parse('{"mod\\u0065l":"deepseek\\u002dflash"}')
    assert.equal("deepseek-flash", parsed.model)
    assert.equal('{"mod\\u0065l":"x"}', parsed:body_for('"x"'))
  end)

  it("that says it twice means the last, and then says it twice", function()
    local parsed = parse('{"model":"a","model":"b"}')
    assert.equal("b", parsed.model)
    assert.equal('{"model":"c","model":"c"}', parsed:body_for('"c"'))
  end)

  it("is refused when the model is no string", function()
    assert.is_nil(parse('{"model":1}'))
    assert.is_nil(parse('{"model":"\\ud800x\\"'))
  end)

  for _, case in ipairs({
    { "without options", '{"model":"m","stream":true}',
      '{"stream_options":{"include_usage":true},"model":"m","stream":true}', false },
    { "with empty options", '{"model":"m","stream":true,"stream_options":{}}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}', false },
    { "with null options", '{"model":"m","stream":true,"stream_options":null}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}', false },
    { "with usage switched off", '{"model":"m","stream":true,"stream_options":{"include_usage":false,"x":[1]}}',
      '{"model":"m","stream":true,"stream_options":{"x":[1],"include_usage":true}}', false },
    { "with usage switched on", '{"model":"m","stream":true,"stream_options":{"include_usage": true}}',
      '{"model":"m","stream":true,"stream_options":{"include_usage": true}}', true },
  }) do
    it("that streams asks for usage, " .. case[1], function()
      local parsed = parse(case[2])
      assert.is_true(parsed.stream)
      assert.equal(case[3], parsed:body_for('"m"'))
      assert.equal(case[4], parsed.wants_usage)
      assert.is_table(cjson.decode(parsed:body_for('"m"')))
    end)
  end

  it("that does not stream asks for nothing", function()
    local body = '{"model":"m","stream":false}'
    assert.equal(body, parse(body):body_for('"m"'))
  end)
end)

describe("a request to a surface without stream_options", function()
  it("gets none, and keeps what the caller gave", function()
    for _, path in ipairs({ "/anthropic/v1/messages", "/v1/responses" }) do
      local body = '{"model":"m","stream":true%s}'
      for _, given in ipairs({ "", ',"stream_options":{"include_obfuscation":false}' }) do
        local parsed = request.parse(body:format(given), cjson.decode, "m", surface.POST[path])
        assert.equal('{"model":"up","stream":true' .. given .. "}", parsed:body_for('"up"'))
        assert.is_true(parsed.stream)
        assert.is_true(parsed.wants_usage)
      end
    end
  end)
end)
