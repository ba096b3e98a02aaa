-- The Responses API's protocol: its streams, its whole answers, its errors.
local chunk = require "core.answer.chunk"
local cjson = require "cjson.safe"
local responses = require "core.protocol.responses"
local stream = require "core.answer.stream"
local support = require "support"

local number = 0
local function event(name, members)
  number = number + 1
  return ('event: %s\ndata: {"type":"%s",%s,"sequence_number":%d}\n\n'):format(name, name, members, number)
end

local function delta(what, text)
  return event("response." .. what .. ".delta", '"item_id":"msg_1","output_index":0,"content_index":0,"delta":"' .. text .. '"')
end

local function last(status, more)
  return event("response." .. status, '"response":{"id":"resp_1","object":"response","status":"' .. status .. '","output":[],'
    .. '"usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}' .. (more or "") .. "}")
end

local CREATED = event("response.created", '"response":{"id":"resp_1","status":"in_progress","error":null,"output":[]}')
local ITEM = event("response.output_item.added", '"output_index":0,"item":{"type":"message","content":[]}')
local COMPLETED = last("completed")
local SAID = '{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"Hello \\"wor\\"ld"}]}'
local GOOD = CREATED .. ITEM .. delta("output_text", "Hello") .. delta("output_text", " \\\"wor\\\"ld")
  .. event("response.output_item.done", '"output_index":0,"item":' .. SAID)
  .. (COMPLETED:gsub('"output":%[%]', function() return '"output":[' .. SAID .. "]" end))

local function read(text)
  return responses.new_reader(cjson.decode):read(text, 1, #text - 1)
end

local function run(all, size)
  local events = stream.new(responses.new_reader(cjson.decode), true)
  local out, kind, detail = support.fed(events, all, size)
  return out, kind, events, detail
end

describe("an event", function()
  for name, case in pairs({
    ["text"] = { delta("output_text", "a"), chunk.CONTENT },
    ["reasoning"] = { delta("reasoning_text", "a"), chunk.CONTENT },
    ["a summary of reasoning"] = { delta("reasoning_summary_text", "a"), chunk.CONTENT },
    ["arguments of a call"] = { delta("function_call_arguments", "{"), chunk.CONTENT },
    ["empty text"] = { delta("output_text", ""), chunk.NOISE },
    ["the start"] = { CREATED, chunk.NOISE },
    ["the start of an item"] = { ITEM, chunk.NOISE },
    ["a comment"] = { ": keep-alive\n\n", chunk.NOISE },
    ["the end"] = { COMPLETED, chunk.COMPLETED },
    ["the end by the caller's own limit"] = { last("incomplete", ',"incomplete_details":{"reason":"max_output_tokens"}'), chunk.COMPLETED },
    ["an end for another reason"] = { last("incomplete", ',"incomplete_details":{"reason":"insufficient_system_resource"}'), chunk.CUT },
    ["an end for no reason"] = { last("incomplete"), chunk.CUT },
    ["a cancelled answer"] = { last("cancelled"), chunk.CUT },
    ["a failure"] = { last("failed", ',"error":{"code":"server_error","message":"x"}'), chunk.ERROR },
    ["a failure that is called a completion"] = { event("response.completed",
      '"response":{"status":"failed","output":[],"error":{"code":"server_error","message":"x"}}'), chunk.ERROR },
    ["the caller's own limit that is called a completion"] = { event("response.completed",
      '"response":{"status":"incomplete","output":[],"incomplete_details":{"reason":"max_output_tokens"}}'), chunk.COMPLETED },
    ["an end of any kind"] = { event("response.done", '"response":{"status":"cancelled","output":[]}'), chunk.CUT },
    ["an error"] = { event("error", '"code":"server_error","message":"x","param":null'), chunk.ERROR },
    ["no JSON"] = { 'event: response.output_text.delta\ndata: {"type":\n\n', chunk.INVALID },
    ["another protocol's end"] = { "data: [DONE]\n\n", chunk.INVALID },
  }) do
    it("is " .. case[2] .. ": " .. name, function()
      assert.equal(case[2], (read(case[1])))
    end)
  end

  it("that reports a failure is judged by its error alone, not by what the caller wrote", function()
    local echo = ',"instructions":"overloaded","metadata":{"code":"401"}'
    local _, detail = read(last("failed", echo .. ',"error":{"code":"server_error","message":"x"}'))
    assert.same({ error = { code = "server_error", message = "x" } }, cjson.decode(detail))
  end)
end)

describe("a stream of a response", function()
  it("comes out as it went in, however it was cut into pieces", function()
    for size = 1, #GOOD do
      local out, kind, events = run(GOOD, size)
      assert.equal(GOOD, out)
      assert.equal(chunk.DONE, kind)
      assert.is_true(events.finished)
    end
  end)

  it("accounts for tokens in OpenAI's older names", function()
    local _, _, events = run(GOOD, 1000)
    assert.same({ prompt_tokens = 9, completion_tokens = 4 }, events.reader.usage)
  end)

  it("has not said all before its last event", function()
    local _, kind, events = run(GOOD:sub(1, -#COMPLETED - 1), 1000)
    assert.is_nil(kind)
    assert.is_false(events.finished)
  end)
end)

describe("a whole response", function()
  local function body(status, more)
    return ('{"id":"resp_1","object":"response","status":"%s","error":null,"output":[],"usage":{"input_tokens":9,"output_tokens":4}%s}')
      :format(status, more or "")
  end

  it("is an answer with its account", function()
    local is_answer, cut, usage = responses.read_whole(body("completed"), cjson.decode)
    assert.is_true(is_answer)
    assert.is_nil(cut)
    assert.same({ prompt_tokens = 9, completion_tokens = 4 }, usage)
  end)

  it("may end by the caller's own limit", function()
    local text = body("incomplete", ',"incomplete_details":{"reason":"max_output_tokens"}')
    assert.is_nil((select(2, responses.read_whole(text, cjson.decode))))
  end)

  it("says when the provider could not finish it", function()
    assert.equal("incomplete", (select(2, responses.read_whole(body("incomplete"), cjson.decode))))
  end)

  it("is none when it failed, and is judged by its error alone", function()
    local text = '{"object":"response","status":"failed","output":[],"instructions":"too busy",'
      .. '"error":{"code":"rate_limit_exceeded","message":"x"}}'
    local is_answer, detail = responses.read_whole(text, cjson.decode)
    assert.is_false(is_answer)
    assert.same({ error = { code = "rate_limit_exceeded", message = "x" } }, cjson.decode(detail))
  end)

  for name, text in pairs({
    ["an error"] = '{"error":{"message":"x"}}',
    ["an answer of another protocol"] = '{"object":"chat.completion","choices":[]}',
    ["half of one"] = body("completed"):sub(1, 50),
    ["nothing"] = "",
  }) do
    it("is not " .. name, function()
      assert.is_false((responses.read_whole(text, cjson.decode)))
    end)
  end
end)

describe("half a character", function()
  it("is understood in a whole response", function()
    assert.is_true((responses.read_whole([[{"object":"response","output":[{"text":"\ud83d"}],"error":null}]], cjson.decode)))
  end)
end)

describe("an error made here", function()
  it("is OpenAI's in a body", function()
    assert.equal("c", cjson.decode(responses.error_body("m", "c", 503)).error.code)
  end)

  it("is an event named so in a stream, in both shapes that clients look for", function()
    local value = cjson.decode(responses.error_event("m", "c"):match("^event: error\ndata: (.*)\n\n$"))
    assert.same({ "error", "m", "c", "m", "c" },
                { value.type, value.message, value.code, value.error.message, value.error.code })
  end)
end)


local function to_its_end(all)
  local events = stream.new(responses.new_reader(cjson.decode), true)
  local out = events:feed(all, false)
  return out .. events:feed("", true), events
end


describe("a text of which the server sends pieces and nothing else", function()
  local said = CREATED .. delta("output_text", "Hello") .. delta("output_text", " you")

  it("is announced, ended and listed where its server does not", function()
    local out, kind = run(said .. COMPLETED, 7)
    local names = {}
    for name in out:gmatch("event: ([%w_.]+)") do
      names[#names + 1] = name:gsub("^response%.", "")
    end
    assert.equal("created output_item.added content_part.added output_text.delta output_text.delta output_text.done"
      .. " content_part.done output_item.done completed", table.concat(names, " "))
    local last_data = cjson.decode(out:match("data: ([^\n]*)\n\n$"))
    assert.equal("Hello you", last_data.response.output[1].content[1].text)
    assert.equal("msg_1", last_data.response.output[1].id)
    assert.equal(chunk.DONE, kind)
  end)

  it("is ended where its server announces it and lists it, and no more", function()
    local listed = event("response.completed", '"response":{"id":"resp_1","object":"response","status":"completed","output":'
      .. '[{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"Hello you"}]}]}')
    for _, all in ipairs({ said .. listed, CREATED .. ITEM .. said:sub(#CREATED + 1) .. listed,
                           CREATED .. ITEM .. said:sub(#CREATED + 1) .. COMPLETED }) do
      local out, kind = run(all, 13)
      local item = cjson.decode(out:match('data: ([^\n]*"type":"response.output_item.done"[^\n]*)'))
      assert.equal("Hello you", item.item.content[1].text)
      local _, count = out:gsub("event: response.output_item.done", "")
      assert.equal(1, count)
      assert.equal("Hello you", cjson.decode(out:match("data: ([^\n]*)\n\n$")).response.output[1].content[1].text)
      assert.equal(chunk.DONE, kind)
    end
  end)

  it("is not ended by a failure, which is not passed on", function()
    for _, stop in ipairs({ last("failed", ',"error":{"message":"x"}'), last("incomplete") }) do
      local out = run(said .. stop, 9)
      assert.is_nil(out:find("item.done", 1, true))
      assert.is_nil(out:find('"failed"', 1, true) or out:find('"incomplete"', 1, true))
    end
  end)

  it("is not whole without a last event", function()
    local _, events = to_its_end(said)
    assert.is_false(events.finished)
  end)
end)


describe("a response without its last event", function()
  local item = ITEM .. delta("output_text", "Hello")
  local done = event("response.output_item.done",
    '"output_index":0,"item":{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"Hello"}]}')
  local call = event("response.output_item.done", '"output_index":1,"item":{"type":"function_call","name":"f"}')

  it("is whole when its message is done", function()
    local out, events = to_its_end(CREATED .. item .. done)
    assert.is_true(events.finished)
    assert.equal("Hello", cjson.decode(out:match("data: ([^\n]*)\n\n$")).response.output[1].content[1].text)
  end)

  it("is whole at [DONE] when every item is", function()
    local _, kind = run(CREATED .. item .. done .. call .. "data: [DONE]\n\n", 7)
    assert.equal(chunk.DONE, kind)
    _, kind = run(CREATED .. item .. "data: [DONE]\n\n", 7)
    assert.equal(chunk.INVALID, kind)
  end)

  it("is cut behind a call, which others may follow, and inside an item", function()
    local _, events = to_its_end(CREATED .. item .. done .. call)
    assert.is_false(events.finished)
    _, events = to_its_end(CREATED .. item)
    assert.is_false(events.finished)
  end)
end)
