local chunk = require "core.answer.chunk"
local cjson = require "cjson.safe"
local splice = require "core.recovery.splice"
local stream = require "core.answer.stream"
local support = require "support"
local transcript = require "core.answer.transcript"

local ROLE = '{"role":"assistant","content":""}'
local TEXT = 'The quick "brown" fox\njumps over the lazy dog. Zwölf Boxkämpfer, 十二拳击手. ha ha ha ha ha ha!'

local function event(delta, reason, index, more)
  return ('data: {"id":"%s","object":"chat.completion.chunk","created":1732000000,"model":"m","choices":[{"index":%d,'
    .. '"delta":%s,"finish_reason":%s}]%s}\n\n'):format("x", index or 0, delta, reason or "null", more or "")
end

local function says(text, channel, index)
  return event(cjson.encode({ [channel or "content"] = text }), nil, index)
end

-- The text as events of so many characters each.
local function events_of(text, size, channel, index)
  local events, piece, count = {}, "", 0
  for char in text:gmatch("[%z\1-\127\194-\244][\128-\191]*") do
    piece, count = piece .. char, count + 1
    if count == size then
      events[#events + 1] = says(piece, channel, index)
      piece, count = "", 0
    end
  end
  if piece ~= "" then
    events[#events + 1] = says(piece, channel, index)
  end
  return events
end

local STOP, DONE = event("{}", '"stop"'), "data: [DONE]\n\n"

local function answer(text, size)
  return event(ROLE) .. table.concat(events_of(text, size)) .. STOP .. DONE
end

local function new_stream(record, choices)
  local reader = chunk.new(cjson.decode, choices or 1)
  if record then
    reader:record_into(record)
  end
  return stream.new(reader, true)
end

-- What a caller makes of it: index:channel -> text, and whether each choice has finished.
local function heard(all)
  local texts, finished = {}, 0
  for data in all:gmatch("data: ([^\n]*)\n") do
    local value = data ~= "[DONE]" and assert(cjson.decode(data))
    for _, choice in ipairs(value and value.choices or {}) do
      for name, text in pairs(choice.delta or { text = choice.text }) do
        if name == "tool_calls" then
          for _, call in ipairs(text) do
            local key = "tool:" .. call.index
            texts[key] = (texts[key] or "") .. (call["function"].arguments or "")
            texts[key .. ":id"] = texts[key .. ":id"] or call.id
          end
        elseif name ~= "role" and type(text) == "string" then
          local key = choice.index == 0 and name or choice.index .. ":" .. name
          texts[key] = (texts[key] or "") .. text
        end
      end
      finished = finished + (type(choice.finish_reason) == "string" and 1 or 0)
    end
  end
  return texts, finished
end

-- Sends the events of a first answer; gives its transcript and what went out.
local function sent(events, choices)
  local record = transcript.new()
  return record, (new_stream(record, choices):feed(table.concat(events), false))
end

-- Joins a second answer, fed in pieces of so many bytes; gives what went out and how it ended.
local function joined(record, second, size, continues, choices, tools)
  local how = { note = "again", continues = continues, tools = tools }
  local events = splice.new(new_stream(nil, choices), record, how, cjson.decode, cjson.encode)
  return support.fed(events, second, size)
end

describe("an answer that is generated again", function()
  local FIRST = events_of(TEXT, 3)

  it("goes on from every event after which the first one can break off", function()
    for cut = 1, #FIRST do
      for _, size in ipairs({ 1, 2, 5, 1000 }) do
        local record, out = sent({ event(ROLE), unpack(FIRST, 1, cut) })
        local rest, kind = joined(record, answer(TEXT, size), 97, nil)
        local texts, finished = heard(out .. rest)
        assert.equal(TEXT, texts.content)
        assert.equal(1, finished)
        assert.equal(chunk.DONE, kind)
      end
    end
  end)

  it("goes on however its bytes come in", function()
    for size = 1, 40 do
      local record, out = sent({ event(ROLE), unpack(FIRST, 1, 7) })
      assert.equal(TEXT, heard(out .. joined(record, answer(TEXT, 2), size, nil)).content)
    end
  end)

  it("may break off itself, and the next one goes on from there", function()
    for cut = 1, 30 do
      local record, out = sent({ event(ROLE), unpack(FIRST, 1, 6) })
      out = out .. joined(record, event(ROLE) .. table.concat(events_of(TEXT, 1), "", 1, cut), 50, nil)
      out = out .. joined(record, answer(TEXT, 4), 50, nil)
      assert.equal(TEXT, heard(out).content)
    end
  end)

  it("says nothing more where it says something else", function()
    for _, other in ipairs({ "Something else altogether", "The quick red fox", TEXT:sub(1, 5) }) do
      local record, out = sent({ event(ROLE), unpack(FIRST, 1, 5) })
      local before = heard(out).content
      local rest, kind = joined(record, answer(other, 3), 60, nil)
      assert.equal(splice.DIFFERS, kind)
      assert.equal(before, heard(out .. rest).content)
    end
  end)

  it("that is shorter than what was sent is no end, even where [DONE] comes without a reason", function()
    local record = sent({ event(ROLE), unpack(FIRST, 1, 9) })
    local _, kind = joined(record, event(ROLE) .. says(TEXT:sub(1, 4)) .. DONE, 1000, nil)
    assert.equal(splice.DIFFERS, kind)
  end)

  it("gives a sign of life that every client can read while it repeats, and none after", function()
    local record = sent({ event(ROLE), unpack(FIRST, 1, 9) })
    local events = splice.new(new_stream(nil), record, { note = "again" }, cjson.decode, cjson.encode)
    assert.equal("", (events:feed(event(ROLE) .. says(TEXT:sub(1, 4)), false)))
    local beat = cjson.decode(events:beat():match("^data: ({[^\n]*})\n\n$"))
    assert.same({ id = "x", object = "chat.completion.chunk", created = 1732000000, model = "m",
                  choices = { { index = 0, delta = {}, finish_reason = cjson.null } } }, beat)
    events:feed(says(TEXT:sub(5)), false)
    assert.is_nil(events:beat())
  end)

  it("is announced in an event that says nothing, once", function()
    local record = sent({ event(ROLE), unpack(FIRST, 1, 3) })
    local out = joined(record, answer(TEXT, 1), 1000, nil)
    local _, count = out:gsub("data: {[^\n]*\"delta\":{}[^\n]*\"poolkeeper\":\"again\"}\n\n", "")
    assert.equal(1, count)
    assert.equal(1, (select(2, out:gsub("again", ""))))
  end)

  it("has one identity with the first, to its end", function()
    local function second(id, more)
      return ('data: {"id":"%s","object":"chat.completion.chunk","created":9,"model":"n","system_fingerprint":"fp","choices":[%s]}\n\n')
        :format(id, more)
    end
    for _, continues in ipairs({ false, "content" }) do
      local record, out = sent({ event(ROLE), says("One two ") })
      local rest = second("y", '{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}')
        .. second("y", ('{"index":0,"delta":{"content":"%sthree"},"finish_reason":null}'):format(continues and "" or "One two "))
        .. second("z", '{"index":0,"delta":{"content":" four"},"finish_reason":null}')
        .. second("y", '{"index":0,"delta":{},"finish_reason":"stop"}')
        .. 'data: {"id":"y","created":9,"model":"n","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":20}}\n\n' .. DONE
      local all = out .. joined(record, rest, 70, continues or nil)
      assert.equal("One two three four", heard(all).content)
      for data in all:gmatch("data: ({[^\n]*})\n") do
        local value = cjson.decode(data)
        assert.same({ "x", 1732000000, "m", nil }, { value.id, value.created, value.model, value.system_fingerprint })
      end
    end
  end)

  it("passes on no second role", function()
    local record = sent({ event(ROLE), unpack(FIRST, 1, 3) })
    assert.is_nil(joined(record, answer(TEXT, 3), 1000, nil):find('"role"', 1, true))
  end)

  it("brings its usage", function()
    local record = sent({ event(ROLE), FIRST[1] })
    local usage = 'data: {"id":"x","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":20}}\n\n'
    local out = joined(record, event(ROLE) .. says(TEXT) .. STOP .. usage .. DONE, 1000, nil)
    assert.truthy(out:find('"completion_tokens":20', 1, true))
  end)

  it("brings none that JSON cannot say", function()
    local record = sent({ event(ROLE), FIRST[1] })
    local usage = 'data: {"id":"x","choices":[],"usage":{"prompt_tokens":NaN}}\n\n'
    local out, kind = joined(record, event(ROLE) .. usage .. says(TEXT) .. STOP .. DONE, 1000, nil)
    assert.equal(chunk.DONE, kind)
    assert.truthy(out:find('"choices":[]', 1, true))
  end)

  it("is none to go on with once it says half a character", function()
    local record = sent({ event(ROLE), FIRST[1] })
    local _, kind = joined(record, event(ROLE) .. event([[{"content":"\ud83d"}]]) .. says(TEXT) .. STOP .. DONE, 1000, nil)
    assert.equal(splice.DIFFERS, kind)
  end)

  it("may reason otherwise: its reasoning is left out, its answer is not", function()
    local record, out = sent({ event(ROLE), says("First I", "reasoning_content") })
    local second = event(ROLE) .. says("Well, ", "reasoning_content") .. says("let us see", "reasoning_content")
      .. table.concat(events_of(TEXT, 4)) .. STOP .. DONE
    local texts = heard(out .. joined(record, second, 80, nil))
    assert.equal("First I", texts.reasoning_content)
    assert.equal(TEXT, texts.content)
  end)

  it("continues the same reasoning", function()
    local record, out = sent({ event(ROLE), says("First I", "reasoning_content") })
    local second = event(ROLE) .. says("First", "reasoning_content") .. says(" I think", "reasoning_content")
      .. says("42") .. STOP .. DONE
    local texts = heard(out .. joined(record, second, 80, nil))
    assert.equal("First I think", texts.reasoning_content)
    assert.equal("42", texts.content)
  end)

  it("may end before it has answered, where only reasoning was sent", function()
    local record = sent(events_of("First I think.", 4, "reasoning_content"))
    local second = table.concat(events_of("First I think. Then", 4, "reasoning_content")) .. event("{}", '"length"') .. DONE
    local out, kind = joined(record, second, 30)
    assert.equal(chunk.DONE, kind)
    local texts, finished = heard(out)
    assert.same({ reasoning_content = " Then" }, texts)
    assert.equal(1, finished)
  end)

  it("does not reason once more when the answer had begun", function()
    local record, out = sent({ event(ROLE), says("Hm.", "reasoning_content"), says("4") })
    local second = event(ROLE) .. says("Hm. Or so", "reasoning_content") .. says("42") .. STOP .. DONE
    local texts = heard(out .. joined(record, second, 80, nil))
    assert.equal("Hm.", texts.reasoning_content)
    assert.equal("42", texts.content)
  end)

  it("continues every choice separately", function()
    local record, out = sent({ says("one", nil, 0), says("un", nil, 1) }, 2)
    local second = says("on", nil, 0) .. says("uno", nil, 1) .. says("e two", nil, 0) .. says(" due", nil, 1)
      .. event("{}", '"stop"', 0) .. event("{}", '"stop"', 1) .. DONE
    local texts, finished = heard(out .. joined(record, second, 1000, nil, 2))
    assert.same({ content = "one two", ["1:content"] = "uno due" }, texts)
    assert.equal(2, finished)
  end)

  local function call(id, name, arguments)
    return event(cjson.encode({ tool_calls = { { index = 0, id = id, type = "function",
                                                 ["function"] = { name = name, arguments = arguments } } } }))
  end

  it("goes on inside the arguments of a tool call, under the first one's id", function()
    local record, out = sent({ event(ROLE), call("call_a", "weather", ""), call(nil, nil, '{"city":"Be') })
    local second = event(ROLE) .. call("call_b", "weather", '{"ci') .. call(nil, nil, 'ty":"Berlin"}')
      .. event("{}", '"tool_calls"') .. DONE
    local texts = heard(out .. joined(record, second, 1000, nil))
    assert.equal('{"city":"Berlin"}', texts["tool:0"])
    assert.equal("call_a", texts["tool:0:id"])
  end)

  local function calls(...)
    return event(cjson.encode({ tool_calls = { ... } }))
  end
  local function named(index, id, name, arguments)
    return { index = index, id = id, type = id and "function" or nil, ["function"] = { name = name, arguments = arguments } }
  end
  -- What a caller makes of the calls: by index, names and arguments put together.
  local function called(all)
    local found = {}
    for data in all:gmatch("data: ({[^\n]*})\n") do
      for _, choice in ipairs(cjson.decode(data).choices) do
        for _, piece in ipairs(choice.delta.tool_calls or {}) do
          local one = found[piece.index] or { "", "" }
          found[piece.index] = { one[1] .. (piece["function"].name or ""), one[2] .. (piece["function"].arguments or "") }
        end
      end
    end
    return found
  end
  local TOOLS = { get_weather = true, get_time = true, get_weather_forecast = true }
  local CALLED = event("{}", '"tool_calls"') .. DONE

  it("goes on inside a tool's name, however that comes", function()
    for cut = 1, #"get_weather" - 1 do
      for _, size in ipairs({ 1, 3, 100 }) do
        local record, out = sent({ event(ROLE), calls(named(0, "call_a", ("get_weather"):sub(1, cut), "")) })
        local second = { event(ROLE) }
        for from = 1, #"get_weather", size do
          second[#second + 1] = calls(named(0, from == 1 and "call_b" or nil, ("get_weather"):sub(from, from + size - 1), ""))
        end
        second[#second + 1] = calls(named(0, nil, nil, '{"a":1}')) .. CALLED
        local rest, kind = joined(record, table.concat(second), 1000, nil, 1, TOOLS)
        assert.equal(chunk.DONE, kind)
        assert.same({ [0] = { "get_weather", '{"a":1}' } }, called(out .. rest))
      end
    end
  end)

  it("makes no other tool of one that was named, or whose arguments had begun", function()
    for _, first in ipairs({ named(0, "call_a", "get_weather", ""), named(0, "call_a", "get_wea", "{") }) do
      local record = sent({ event(ROLE), calls(first) })
      local second = event(ROLE) .. calls(named(0, "call_b", "get_weather_forecast", '{"a":1}')) .. CALLED
      local _, kind = joined(record, second, 1000, nil, 1, TOOLS)
      assert.equal(splice.DIFFERS, kind)
    end
  end)

  it("keeps parallel calls apart that share an index and differ in id", function()
    local record, out = sent({ event(ROLE), calls(named(0, "call_1", "get_weather", '{"a":1}')) })
    local second = calls(named(0, "a1", "get_weather", '{"a":1}'), named(0, "a2", "get_time", "{")) .. calls(named(0, nil, nil, "}"))
      .. calls(named(0, "a3", "get_time", "{}")) .. CALLED
    local rest, kind = joined(record, second, 1000, nil, 1, TOOLS)
    assert.equal(chunk.DONE, kind)
    assert.same({ [0] = { "get_weather", '{"a":1}' }, { "get_time", "{}" }, { "get_time", "{}" } }, called(out .. rest))
  end)

  it("keeps them apart where the first answer had them, too", function()
    local record = sent({ event(ROLE), calls(named(0, "a1", "get_weather", '{"a":1}'), named(0, "a2", "get_time", "{")) })
    local second = event(ROLE) .. calls(named(0, "b1", "get_weather", '{"a":1}')) .. calls(named(1, "b2", "get_time", '{"b":2}')) .. CALLED
    local rest, kind = joined(record, second, 1000, nil, 1, TOOLS)
    assert.equal(chunk.DONE, kind)
    assert.same({ [0] = { "", '"b":2}' } }, called(rest))
  end)

  it("lets a choice that had finished rest", function()
    local record, out = sent({ says("one", nil, 0), event("{}", '"stop"', 0), says("un", nil, 1) }, 2)
    local second = says("one and more", nil, 0) .. says("uno", nil, 1) .. event("{}", '"stop"', 0)
      .. event("{}", '"stop"', 1) .. DONE
    local rest, kind = joined(record, second, 1000, nil, 2)
    local texts, finished = heard(out .. rest)
    assert.equal(chunk.DONE, kind)
    assert.same({ content = "one", ["1:content"] = "uno" }, texts)
    assert.equal(2, finished)
  end)

  it("keeps what else its choices say, and the probabilities of what is new", function()
    local function with(content, tokens)
      local list = {}
      for i, token in ipairs(tokens) do
        list[i] = ('{"token":"%s","logprob":-0.12345678901234567,"top_logprobs":[]}'):format(token)
      end
      return ('data: {"id":"y","choices":[{"index":0,"delta":{"content":"%s"},"logprobs":{"content":[%s]},"finish_reason":null}]}\n\n')
        :format(content, table.concat(list, ","))
    end
    local record, out = sent({ event(ROLE), says("One two") })
    local rest = joined(record, with("One two three", { "One", " two", " three" }) .. with(" four", { " four" }) .. STOP .. DONE,
      1000, nil)
    assert.equal("One two three four", heard(out .. rest).content)
    local _, kept = rest:gsub('%-0%.12345678901234567,"top_logprobs":%[%]', "")
    assert.equal(2, kept)
    record = sent({ event(ROLE), says("One two") })
    local _, whole = joined(record, with(" three", { " three" }) .. STOP .. DONE, 1000, "content"):gsub('"token":" three"', "")
    assert.equal(1, whole)
    record = sent({ event(ROLE), says("ha ho") }) -- the first piece is held: it could be a repetition
    local _, both = joined(record, with("ha", { "ha" }) .. with(" hi", { " hi" }) .. STOP .. DONE, 1000, "content")
      :gsub('%-0%.12345678901234567,"top_logprobs":%[%]', "")
    assert.equal(2, both)
  end)

  it("joins calls whose name comes again with each piece, and calls without an index", function()
    local function piece(name, arguments, index)
      return event(('{"tool_calls":[{%s"id":"b","type":"function","function":{"name":"%s","arguments":"%s"}}]}'):format(
        index and ('"index":%d,'):format(index) or "", name, arguments))
    end
    local record = sent({ event(ROLE), piece("weather", "{", 0), piece("weather", '\\"a\\":', 0) })
    local rest = joined(record, piece("weather", '{\\"a\\"', 0) .. piece("weather", ":1}", 0) .. STOP .. DONE, 1000, nil)
    assert.truthy(rest:find('"index":0,"function":{"arguments":"1}"}', 1, true))
    record = sent({ event(ROLE), piece("weather", "{") })
    rest = joined(record, piece("weather", "{}") .. STOP .. DONE, 1000, nil)
    assert.truthy(rest:find('{"function":{"arguments":"}"}}', 1, true))
  end)

  it("does not go on with another tool's call", function()
    local record = sent({ event(ROLE), call("call_a", "weather", '{"city"') })
    local _, kind = joined(record, event(ROLE) .. call("call_b", "time", '{"city"'), 1000, nil)
    assert.equal(splice.DIFFERS, kind)
  end)
end)

describe("an answer that is continued", function()
  local FIRST = events_of(TEXT, 3)

  it("goes on from every event after which the first one can break off", function()
    for cut = 1, #FIRST do
      local record, out = sent({ event(ROLE), unpack(FIRST, 1, cut) })
      local rest = TEXT:sub(#heard(out).content + 1)
      local added, kind = joined(record, answer(rest, 2), 61, "content")
      local texts, finished = heard(out .. added)
      assert.equal(TEXT, texts.content)
      assert.equal(1, finished)
      assert.equal(chunk.DONE, kind)
    end
  end)

  it("may break off itself, and the next one goes on from there", function()
    local record, out = sent({ event(ROLE), unpack(FIRST, 1, 4) })
    local rest = events_of(TEXT:sub(13), 2)
    out = out .. joined(record, event(ROLE) .. table.concat(rest, "", 1, 5), 50, "content")
    assert.equal(TEXT:sub(1, 22), heard(out).content)
    out = out .. joined(record, answer(TEXT:sub(23), 4), 50, "content")
    assert.equal(TEXT, heard(out).content)
  end)

  it("may have been started again instead: what was sent is left out, or nobody can decide", function()
    local whole = 0
    for cut = 6, #FIRST do
      local record, out = sent({ event(ROLE), unpack(FIRST, 1, cut) })
      local before = heard(out).content
      local rest, kind = joined(record, answer(TEXT, 2), 61, "content")
      assert.equal(kind == chunk.DONE and TEXT or before, heard(out .. rest).content)
      whole = whole + (kind == chunk.DONE and 1 or 0)
    end
    assert.is_true(whole > 10)
  end)

  for title, text in pairs({
    ["equal lines"] = "I will not chew gum.\n",
    ["a list"] = "- one of them\n- one of them\n",
    ["no words"] = "哈哈哈哈哈哈哈哈",
    ["digits"] = "0101010101010101",
  }) do
    it("is not taken for a repetition where it may go on so: " .. title, function()
      local record, out = sent({ event(ROLE), says(text) })
      local rest, kind = joined(record, answer(text .. text, 4), 61, "content")
      assert.equal(splice.DIFFERS, kind) -- and then it is generated again
      assert.equal(text, heard(out .. rest).content)
    end)
  end

  it("looks like a new start where little was sent", function()
    local record = sent({ event(ROLE), FIRST[1] })
    local _, kind = joined(record, answer(TEXT, 2), 61, "content")
    assert.equal(splice.DIFFERS, kind)
  end)

  it("may begin as the answer began", function()
    local record, out = sent({ event(ROLE), says("ha ha ho ho ho ho ") })
    assert.equal("ha ha ho ho ho ho ha ha hi", heard(out .. joined(record, answer("ha ha hi", 1), 40, "content")).content)
  end)

  it("may have nothing to add", function()
    local record, out = sent({ event(ROLE), says(TEXT) })
    local texts, finished = heard(out .. joined(record, event(ROLE) .. STOP .. DONE, 40, "content"))
    assert.equal(TEXT, texts.content)
    assert.equal(1, finished)
  end)

  it("loses what it thinks before it goes on", function()
    local record, out = sent({ event(ROLE), says("The quick brown") })
    local second = event(ROLE) .. says("Hm, a fox?", "reasoning_content") .. says(" fox") .. STOP .. DONE
    local texts = heard(out .. joined(record, second, 70, "content"))
    assert.equal("The quick brown fox", texts.content)
    assert.is_nil(texts.reasoning_content)
  end)

  it("counts as completion what its provider was given to go on from", function()
    local record = sent({ event(ROLE), unpack(FIRST, 1, 4) })
    local usage = 'data: {"id":"x","choices":[],"usage":{"prompt_tokens":14,"completion_tokens": 6,"total_tokens":20}}\n\n'
    local out = joined(record, answer(" rest", 1):sub(1, -#DONE - 1) .. usage .. DONE, 1000, "content")
    assert.truthy(out:find('"prompt_tokens":10,"completion_tokens": 10,"total_tokens":20', 1, true))
  end)
end)
