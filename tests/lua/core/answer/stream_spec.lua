local chunk = require "core.answer.chunk"
local cjson = require "cjson.safe"
local stream = require "core.answer.stream"
local transcript = require "core.answer.transcript"

local function event(delta, reason, more)
  return ('data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":%s,"finish_reason":%s}]%s}\n\n')
    :format(delta, reason or "null", more or "")
end

local ROLE = event('{"role":"assistant","content":""}')
local function text(words)
  return event('{"content":"' .. words .. '"}')
end
local STOP = event("{}", '"stop"')
local DONE = "data: [DONE]\n\n"
local USAGE = 'data: {"id":"x","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'

-- Feeds text in pieces of so many bytes; gives what came out, the first end with its detail, and whether there was progress.
local function run(all, size, wants_usage, choices)
  local events, out, progress = stream.new(chunk.new(cjson.decode, choices or 1), wants_usage), {}, false
  for from = 1, #all, size do
    local got, moved, kind, detail = events:feed(all:sub(from, from + size - 1), false)
    out[#out + 1] = got
    progress = progress or moved
    if kind then
      return table.concat(out), kind, detail, progress, events
    end
  end
  local got, moved, kind, detail = events:feed("", true)
  out[#out + 1] = got
  return table.concat(out), kind, detail, progress or moved, events
end

describe("a stream", function()
  local GOOD = ROLE .. text("Hello") .. ": keep-alive\n\n" .. text(" wor\\\"ld\\n") .. text(" é") .. STOP .. DONE

  it("comes out as it went in, however it was cut into pieces", function()
    for size = 1, #GOOD do
      local out, kind, _, progress, events = run(GOOD, size)
      assert.equal(GOOD, out)
      assert.equal(chunk.DONE, kind)
      assert.is_true(progress)
      assert.is_true(events.finished)
    end
  end)

  it("never gives out part of an event", function()
    local events = stream.new(chunk.new(cjson.decode, 1), true)
    assert.equal("", (events:feed(text("Hello"):sub(1, 40), false)))
    assert.equal(text("Hello"), (events:feed(text("Hello"):sub(41), false)))
  end)

  it("comes out as it went in when an event is long, whatever ends its lines", function()
    for _, line_end in ipairs({ "\n", "\r\n", "\r" }) do
      local all = (text("a") .. text(("x"):rep(200000)) .. text("b") .. STOP .. DONE):gsub("\n", line_end)
      for _, size in ipairs({ 1021, 16384, 65537, #all }) do
        local out, kind = run(all, size)
        assert.equal(all, out)
        assert.equal(chunk.DONE, kind)
      end
    end
  end)

  it("ends where a long event ends, wherever that is torn", function()
    for _, line_end in ipairs({ "\n", "\r\n", "\r" }) do
      local long = (text(("x"):rep(100000))):gsub("\n", line_end)
      for at = #long - 5, #long do
        local events = stream.new(chunk.new(cjson.decode, 1), true)
        local out = events:feed(long:sub(1, 90000), false) .. events:feed(long:sub(90001, at), false)
        assert.equal(long, out .. events:feed(long:sub(at + 1), false) .. events:feed("", true))
      end
    end
  end)

  it("is given up when an event has no end", function()
    local events, kind = stream.new(chunk.new(cjson.decode, 1), true), nil
    for _ = 1, 129 do
      local _, _, seen = events:feed(("x"):rep(65536), false)
      kind = kind or seen
    end
    assert.equal(chunk.INVALID, kind)
  end)

  it("loses a byte order mark, and only at its start", function()
    for size = 1, 5 do
      assert.equal(text("a"), (run("\239\187\191" .. text("a"), size)))
    end
  end)

  it("ends at [DONE], whatever comes behind", function()
    assert.equal(STOP .. DONE, (run(STOP .. DONE .. text("more"), 1000)))
  end)
end)

describe("progress", function()
  for _, case in ipairs({
    { "text", text("a"), true },
    { "reasoning", event('{"reasoning_content":"hm"}'), true },
    { "a tool call", event('{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}'), true },
    { "the end", STOP, true },
    { "text of a plain completion", 'data: {"choices":[{"text":"a","index":0,"finish_reason":null}]}\n\n', true },
    { "no comment", ": keep-alive\n\n", false },
    { "no empty line", "\n\n\n", false },
    { "no role alone", ROLE, false },
    { "no empty delta", event("{}"), false },
    { "no empty text", event('{"content":""}'), false },
    { "no empty list of tool calls", event('{"content":null,"tool_calls":[]}'), false },
    { "no usage", USAGE, false },
    { "no chunk without choices", 'data: {"object":"ping"}\n\n', false },
  }) do
    it("is " .. case[1], function()
      local _, _, _, progress = run(case[2], 1000)
      assert.equal(case[3], progress)
    end)
  end
end)

describe("the usage chunk", function()
  it("is kept for who asked, and taken out for who did not", function()
    local all = ROLE .. text("a") .. STOP .. USAGE .. DONE
    assert.equal(all, (run(all, 1000, true)))
    for size = 1, #all, 7 do
      local out, _, _, _, events = run(all, size, false)
      assert.equal(ROLE .. text("a") .. STOP .. DONE, out)
      assert.equal(2, events.reader.usage.completion_tokens)
    end
  end)

  local ACCOUNT = ',"usage":{"prompt_tokens":3,"completion_tokens":2}'
  local ZEROS = ',"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}'
  for title, case in pairs({
    ["on the last chunk"] = { text("a") .. event("{}", '"stop"', ACCOUNT), text("a") .. STOP },
    ["on every chunk, zeros"] = {
      event('{"content":"a"}', nil, ZEROS) .. event('{"content":"b"}', nil, ZEROS) .. event("{}", '"stop"', ACCOUNT),
      text("a") .. text("b") .. STOP,
    },
    ["after the finish, with a choice that says nothing"] = {
      text("a") .. STOP .. event('{"content":""}', nil, ACCOUNT), text("a") .. STOP,
    },
    ["without choices"] = { text("a") .. STOP .. 'data: {"id":"x"' .. ACCOUNT .. "}\n\n", text("a") .. STOP },
    ["with choices that are null"] = {
      text("a") .. STOP .. 'data: {"id":"x","choices":null' .. ACCOUNT .. "}\n\n", text("a") .. STOP,
    },
    ["on a chunk of several lines"] = {
      'event: message\ndata: {"id":"x",\ndata: "choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]'
        .. ACCOUNT .. "}\n\n" .. STOP,
      'event: message\ndata: {"id":"x","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n' .. STOP,
    },
  }) do
    it("is taken out " .. title .. ", and counted", function()
      for size = 1, #case[1], 13 do
        local out, _, _, _, events = run(case[1] .. DONE, size, false)
        assert.equal(case[2] .. DONE, out)
        assert.equal(3, events.reader.usage.prompt_tokens)
      end
      assert.equal(case[1] .. DONE, (run(case[1] .. DONE, 1000, true)))
    end)
  end
end)

describe("a finish", function()
  local function is_finished(all)
    local _, _, _, _, events = run(all, 1000)
    return events.finished
  end

  for _, reason in ipairs({ '""', '"null"', '"None"', "null", "0", "false", "{}" }) do
    it("is none with the reason " .. reason, function()
      assert.is_false(is_finished(event('{"content":"a"}', reason)))
      assert.is_false(is_finished(event('{"content":"a"}', reason) .. event('{"content":"b"}', reason)))
      assert.is_true(is_finished(event('{"content":"a"}', reason) .. STOP))
    end)
  end

  for title, more in pairs({
    ["text"] = '{"content":"b"}',
    ["reasoning"] = '{"reasoning_content":"b"}',
    ["a tool call"] = '{"tool_calls":[{"index":1,"function":{"name":"b","arguments":""}}]}',
    ["a refusal"] = '{"refusal":"b"}',
  }) do
    it("that " .. title .. " follows was none", function()
      local early = text("a") .. event('{"content":"a"}', '"stop"')
      assert.is_true(is_finished(early))
      assert.is_false(is_finished(early .. event(more)))
      assert.is_true(is_finished(early .. event(more) .. STOP))
    end)
  end

  it("of two choices counts once each, however often it is said", function()
    local function choice(index, reason)
      return ('data: {"choices":[{"index":%d,"delta":{},"finish_reason":"%s"}]}\n\n'):format(index, reason)
    end
    local _, _, _, _, events = run(choice(0, "stop") .. choice(0, "stop"), 1000, true, 2)
    assert.is_false(events.finished)
    _, _, _, _, events = run(choice(0, "stop") .. choice(1, "stop"), 1000, true, 2)
    assert.is_true(events.finished)
  end)

  it("is all that is to come once the account has been given, unless that is of nothing", function()
    for account, want in pairs({ ['{"completion_tokens":2}'] = true, ['{"completion_tokens":0}'] = false }) do
      local _, _, _, _, events = run(STOP .. 'data: {"choices":[],"usage":' .. account .. "}\n\n", 1000)
      assert.equal(want, events.reader.is_accounted)
    end
  end)
end)

describe("a bad end", function()
  for _, case in ipairs({
    { "an error event", 'data: {"error":{"message":"x","code":500}}\n\n', chunk.ERROR },
    { "an error event by name", "event: error\ndata: x\n\n", chunk.ERROR },
    { "an error in the old flat shape", 'data: {"object":"error","message":"x","code":400}\n\n', chunk.ERROR },
    { "a provider without machines", event("{}", '"insufficient_system_resource"'), chunk.CUT },
    { "a provider that failed behind an aggregator", event('{"content":""}', '"error"'), chunk.CUT },
    { "broken JSON", 'data: {"choices":[{"delta":{"content":"a"}}\n\n', chunk.INVALID },
    { "no JSON at all", "data: hello\n\n", chunk.INVALID },
    { "JSON that is no object", "data: 42\n\n", chunk.INVALID },
    { "a choice that is none", 'data: {"choices":[null]}\n\n', chunk.INVALID },
    { "a choice whose index is no number", 'data: {"choices":[{"index":NaN,"delta":{"content":"a"}}]}\n\n', chunk.INVALID },
    { "a tool call that is none", event('{"tool_calls":[null]}'), chunk.INVALID },
    { "a tool call whose index is no number", event('{"tool_calls":[{"index":"nan"}]}'), chunk.INVALID },
  }) do
    it(case[1] .. ": reported, and not passed on", function()
      for size = 1, 200, 13 do
        local out, kind = run(text("a") .. case[2] .. text("b"), size)
        assert.equal(text("a"), out)
        assert.equal(case[3], kind)
      end
    end)
  end

  it("is not seen in a plain error member that is null", function()
    local out, kind = run(event('{"content":"a"}', nil, ',"error":null') .. DONE, 1000)
    assert.equal(chunk.DONE, kind)
    assert.truthy(out:find("DONE", 1, true))
  end)
end)

describe("half a character", function()
  local HALVES = text("a") .. event([[{"content":"\ud83d"}]]) .. event([[{"content":"\ude00"}]]) .. event("{}", '"stop"') .. DONE

  it("is passed on as it came", function()
    local out, kind = run(HALVES, 1000)
    assert.equal(HALVES, out)
    assert.equal(chunk.DONE, kind)
  end)

  it("is nothing that another endpoint could go on from", function()
    local record = transcript.new()
    local reader = chunk.new(cjson.decode, 1)
    reader:record_into(record)
    stream.new(reader, true):feed(text("a"), false)
    assert.is_false(record.is_opaque)
    stream.new(reader, true):feed(HALVES, false)
    assert.is_true(record.is_opaque)
  end)
end)

describe("several choices", function()
  it("are finished when all are", function()
    local function of(index, delta, reason)
      return ('data: {"choices":[{"index":%d,"delta":%s,"finish_reason":%s}]}\n\n'):format(index, delta, reason)
    end
    local first = of(0, '{"content":"a"}', "null") .. of(0, "{}", '"stop"')
    local _, _, _, _, half = run(first, 1000, true, 2)
    assert.is_false(half.finished)
    local _, _, _, _, twice = run(first .. of(0, "{}", '"stop"'), 1000, true, 2)
    assert.is_false(twice.finished)
    local _, _, _, _, whole = run(first .. of(1, "{}", '"stop"'), 1000, true, 2)
    assert.is_true(whole.finished)
  end)
end)

describe("learned frames", function()
  -- Every event is decoded unless it is like one that was: count how often.
  local function decoded(all)
    local count = 0
    local events = stream.new(chunk.new(function(data)
      count = count + 1
      return cjson.decode(data)
    end, 1), true)
    local out = events:feed(all, true)
    return count, out
  end

  it("are decoded once", function()
    local all = ROLE .. text("a") .. text(" b") .. text("cde") .. text(" ü")
    assert.equal(2, (decoded(all)))
  end)

  it("are not trusted with escapes, quotes or control characters in the text", function()
    assert.equal(3, (decoded(text("a") .. text("b\\n") .. text('\\"'))))
    local broken = text("a") .. event('{"content":"b"x"}')
    local _, out = decoded(broken)
    assert.equal(text("a"), out)
  end)

  it("never hide an end", function()
    local _, kind = run(text("a") .. text("b") .. STOP .. DONE, 1000)
    assert.equal(chunk.DONE, kind)
    local events = stream.new(chunk.new(cjson.decode, 1), true)
    events:feed(text("a") .. text("b") .. event('{"content":"c"}', '"stop"'), false)
    assert.is_true(events.finished)
  end)

  it("are left alone when it is not beyond doubt where the text is", function()
    local twice = 'data: {"choices":[{"index":0,"delta":{"content":"a","x":{"content":"b"}},"finish_reason":null}]}\n\n'
    assert.equal(2, (decoded(twice .. twice)))
  end)
end)

describe("one event", function()
  local MOST = 8 * 1024 * 1024
  local AT_ONCE, IN_PIECES, IN_SMALL_PIECES = 2 * MOST, 65536, 5000

  for _, case in ipairs({
    { "\n", AT_ONCE }, { "\n", IN_PIECES }, { "\n", IN_SMALL_PIECES }, { "\r\n", IN_PIECES }, { "\r", IN_PIECES },
  }) do
    local ends, size = case[1], case[2]
    local how = ("in pieces of %d bytes, with %q"):format(size, ends)
    local function event_of(bytes)
      local data = 'data: {"choices":[{"index":0,"delta":{"content":"' .. ("x"):rep(bytes) .. '"}}]}'
      return data .. ends .. ends
    end

    it("of nearly 8 MiB goes through, " .. how, function()
      local long = event_of(MOST - 1000) .. "data: [DONE]" .. ends .. ends
      local out, kind = run(long, size)
      assert.is_true(long == out)
      assert.equal(chunk.DONE, kind)
    end)

    it("of more ends the stream, " .. how, function()
      local out, kind, detail = run(text("a") .. event_of(MOST + 1000), size)
      assert.equal(text("a"), out)
      assert.equal(chunk.INVALID, kind)
      assert.equal("an event of more than 8 MiB", detail)
    end)
  end
end)
