-- Anthropic's protocol: its streams, its whole answers, its errors.
local anthropic = require "core.protocol.anthropic"
local chunk = require "core.answer.chunk"
local cjson = require "cjson.safe"
local stream = require "core.answer.stream"
local support = require "support"

local function event(name, members)
  return ('event: %s\ndata: {"type":"%s"%s}\n\n'):format(name, name, members and "," .. members or "")
end

local function delta(kind, member, value)
  return event("content_block_delta", ('"index":0,"delta":{"type":"%s","%s":"%s"}'):format(kind, member, value))
end

local START = event("message_start", '"message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],'
  .. '"stop_reason":null,"usage":{"input_tokens":7,"cache_read_input_tokens":90,"cache_creation_input_tokens":3,"output_tokens":1}}')
local BLOCK = event("content_block_start", '"index":0,"content_block":{"type":"text","text":""}')
local PING = event("ping")
local BLOCK_STOP = event("content_block_stop", '"index":0')
local function stopping(reason)
  return event("message_delta", '"delta":{"stop_reason":"' .. reason .. '","stop_sequence":null},"usage":{"output_tokens":15}')
end
local STOP = event("message_stop")
local GOOD = START .. BLOCK .. PING .. delta("text_delta", "text", "Hello") .. delta("text_delta", "text", " wor\\\"ld\\n")
  .. ": keep-alive\n\n" .. delta("text_delta", "text", " é") .. BLOCK_STOP .. stopping("end_turn") .. STOP

local function read(text)
  return anthropic.new_reader(cjson.decode):read(text, 1, #text - 1)
end

local function run(all, size)
  local events = stream.new(anthropic.new_reader(cjson.decode), true)
  local out, kind, detail = support.fed(events, all, size)
  return out, kind, events, detail
end

describe("an event", function()
  for name, case in pairs({
    ["text"] = { delta("text_delta", "text", "a"), chunk.CONTENT },
    ["thinking"] = { delta("thinking_delta", "thinking", "a"), chunk.CONTENT },
    ["a piece of a tool's input"] = { delta("input_json_delta", "partial_json", "{"), chunk.CONTENT },
    ["an empty piece"] = { delta("input_json_delta", "partial_json", ""), chunk.NOISE },
    ["the start of a message"] = { START, chunk.NOISE },
    ["the start of a block"] = { BLOCK, chunk.NOISE },
    ["a ping"] = { PING, chunk.NOISE },
    ["the end of a block"] = { BLOCK_STOP, chunk.CLOSING },
    ["a type that nobody knows"] = { event("content_block_flourish"), chunk.NOISE },
    ["a comment"] = { ": keep-alive\n\n", chunk.NOISE },
    ["why it stopped"] = { stopping("max_tokens"), chunk.FINISH },
    ["usage without a reason to stop"] = { event("message_delta", '"delta":{"stop_reason":null}'), chunk.NOISE },
    ["a reason that is no end"] = { stopping("insufficient_system_resource"), chunk.CUT },
    ["the end"] = { STOP, chunk.DONE },
    ["an error"] = { event("error", '"error":{"type":"overloaded_error","message":"Overloaded"}'), chunk.ERROR },
    ["an error in OpenAI's shape"] = { 'data: {"error":{"message":"x"}}\n\n', chunk.ERROR },
    ["an error that is no JSON"] = { "event: error\ndata: overloaded\n\n", chunk.ERROR },
    ["no JSON"] = { 'event: content_block_delta\ndata: {"type":\n\n', chunk.INVALID },
    ["another protocol's end"] = { "data: [DONE]\n\n", chunk.INVALID },
  }) do
    it("is " .. case[2] .. ": " .. name, function()
      assert.equal(case[2], (read(case[1])))
    end)
  end
end)

describe("a stream of messages", function()
  it("comes out as it went in, however it was cut into pieces", function()
    for size = 1, #GOOD do
      local out, kind, events = run(GOOD, size)
      assert.equal(GOOD, out)
      assert.equal(chunk.DONE, kind)
      assert.is_true(events.finished)
    end
  end)

  it("accounts for tokens, those of the cache among them, in OpenAI's names", function()
    local _, _, events = run(GOOD, 1000)
    assert.same({ prompt_tokens = 100, completion_tokens = 15, cached_tokens = 90 }, events.reader.usage)
  end)

  it("has said all before its end came, and the end can be made up for", function()
    local out, kind, events = run(GOOD:sub(1, -#STOP - 1), 1000)
    assert.is_nil(kind)
    assert.is_true(events.finished)
    assert.equal(GOOD, out .. anthropic.DONE_EVENT)
  end)

  it("decodes once what is alike", function()
    local decoded = 0
    local reader = anthropic.new_reader(function(data)
      decoded = decoded + 1
      return cjson.decode(data)
    end)
    stream.new(reader, true):feed(delta("text_delta", "text", "a") .. delta("text_delta", "text", "b") .. delta("text_delta", "text", "c"))
    assert.equal(1, decoded)
  end)
end)

describe("a whole message", function()
  local BODY = '{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"x"}],"stop_reason":"%s",'
    .. '"usage":{"input_tokens":7,"output_tokens":2}}'

  it("is an answer with its account", function()
    local is_answer, cut, usage = anthropic.read_whole(BODY:format("end_turn"), cjson.decode)
    assert.is_true(is_answer)
    assert.is_nil(cut)
    assert.same({ prompt_tokens = 7, completion_tokens = 2 }, usage)
  end)

  it("says when the provider could not finish it", function()
    local _, cut = anthropic.read_whole(BODY:format("insufficient_system_resource"), cjson.decode)
    assert.equal("insufficient_system_resource", cut)
  end)

  it("may carry a tool's input that looks like framing", function()
    local tool = '{"type":"message","content":[{"type":"tool_use","input":{"stop_reason":"error","error":{"type":"x"}}}],'
      .. '"stop_reason":"tool_use"}'
    assert.same({ true }, { anthropic.read_whole(tool, cjson.decode) })
  end)

  for name, body in pairs({
    ["an error"] = '{"type":"error","error":{"type":"overloaded_error","message":"x"}}',
    ["an answer of another protocol"] = '{"object":"chat.completion","choices":[{"message":{"content":"x"}}]}',
    ["half of one"] = BODY:sub(1, 60),
    ["nothing"] = "",
  }) do
    it("is not " .. name, function()
      assert.is_false((anthropic.read_whole(body, cjson.decode)))
    end)
  end
end)

describe("half a character", function()
  it("is understood in a stream and in a message", function()
    local half = [["type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\ud83d"}]]
    local text = "event: content_block_delta\ndata: {" .. half .. "}\n"
    assert.equal(chunk.CONTENT, (anthropic.new_reader(cjson.decode):read(text, 1, #text)))
    local whole = [[{"type":"message","content":[{"type":"text","text":"\ud83d"}],"stop_reason":"end_turn"}]]
    assert.is_true((anthropic.read_whole(whole, cjson.decode)))
  end)
end)

describe("an error made here", function()
  for status, want in pairs({
    [401] = "authentication_error", [404] = "not_found_error", [413] = "request_too_large", [503] = "overloaded_error",
    [504] = "timeout_error", [500] = "api_error",
  }) do
    it(status .. " is " .. want, function()
      assert.same({ type = "error", error = { type = want, message = "m", code = "c" } },
                  cjson.decode(anthropic.error_body("m", "c", status)))
    end)
  end

  it("is an event named so in a stream", function()
    local data = anthropic.error_event("m", "stream_truncated"):match("^event: error\ndata: (.*)\n\n$")
    assert.equal("overloaded_error", cjson.decode(data).error.type)
    assert.truthy(anthropic.error_event("m", "deadline_exceeded"):find("timeout_error", 1, true))
  end)
end)


describe("a message that never says why it stopped", function()
  local tool = event("content_block_start", '"index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}')
  local text = START .. BLOCK .. delta("text_delta", "text", "Hello")

  it("stopped at its end, or for a tool", function()
    for all, want in pairs({ [text .. BLOCK_STOP .. STOP] = "end_turn",
                             [text .. BLOCK_STOP .. tool .. BLOCK_STOP .. STOP] = "tool_use" }) do
      local out, kind = run(all, 11)
      assert.equal(chunk.DONE, kind)
      assert.equal(want, out:match('"stop_reason":"([%w_]+)"'))
      assert.truthy(out:find("message_stop", 1, true))
    end
  end)

  it("that stops inside a block is cut", function()
    local _, kind = run(text .. STOP, 11)
    assert.equal(chunk.CUT, kind)
  end)
end)


describe("events without a name", function()
  it("get it back: clients know an event by nothing else", function()
    local bare = GOOD:gsub("event: [%w_]+\n", "")
    assert.equal(GOOD, (run(bare, 9)))
  end)
end)
