-- A message that breaks off, and a second one that is joined to it: what the caller makes of both.
local anthropic = require "core.protocol.anthropic"
local chunk = require "core.answer.chunk"
local cjson = require "cjson.safe"
local message_record = require "core.answer.message_record"
local message_splice = require "core.recovery.message_splice"
local splice = require "core.recovery.splice"
local sse = require "core.answer.sse"
local stream = require "core.answer.stream"
local support = require "support"

local function event(name, members)
  members.type = name
  return sse.event(cjson.encode(members), name)
end

local TEXTS = { text = { "text_delta", "text" }, thinking = { "thinking_delta", "thinking" },
                tool_use = { "input_json_delta", "partial_json" } }

-- The events of a message; blocks: {kind, text, name}, each text in pieces of so many bytes.
local function message(id, blocks, size)
  local events = { event("message_start", { message = { id = id, type = "message", role = "assistant", content = {},
                                                        usage = { input_tokens = 3 } } }) }
  for i, block in ipairs(blocks) do
    local kind, text = block[1], block[2]
    events[#events + 1] = event("content_block_start", { index = i - 1, content_block = { type = kind, name = block[3], id = id } })
    for from = 1, #text, size do
      events[#events + 1] = event("content_block_delta", {
        index = i - 1, delta = { type = TEXTS[kind][1], [TEXTS[kind][2]] = text:sub(from, from + size - 1) },
      })
    end
    events[#events + 1] = event("content_block_stop", { index = i - 1 })
  end
  events[#events + 1] = event("message_delta", { delta = { stop_reason = "end_turn" }, usage = { output_tokens = 9 } })
  events[#events + 1] = event("message_stop", {})
  return events
end

-- What a client makes of the events: blocks by index, as above; and what it would choke on.
local function heard(text)
  local blocks, ids, ended = {}, {}, nil
  for _, data in ipairs(sse.all(text)) do
    local value = assert(cjson.decode(data))
    if value.type == "message_start" then
      ids[#ids + 1] = value.message.id
    elseif value.type == "content_block_start" then
      assert.is_nil(blocks[value.index + 1])
      assert.equal(#blocks, value.index)
      blocks[value.index + 1] = { value.content_block.type, "", value.content_block.name }
    elseif value.type == "content_block_delta" then
      local block = blocks[value.index + 1]
      assert.is_falsy(block.stopped)
      block[2] = block[2] .. value.delta[TEXTS[block[1]][2]]
    elseif value.type == "content_block_stop" then
      assert.is_falsy(blocks[value.index + 1].stopped)
      blocks[value.index + 1].stopped = true
    elseif value.type == "message_delta" then
      ended = value.delta.stop_reason
    end
  end
  assert.equal(1, #ids)
  for _, block in ipairs(blocks) do
    if ended then
      assert.is_true(block.stopped)
    end
    block.stopped = nil
  end
  return blocks, ended
end

local function sent(events, count)
  local record, reader = message_record.new(), anthropic.new_reader(cjson.decode)
  reader:record_into(record)
  return record, (stream.new(reader, true):feed(table.concat(events, "", 1, count), false))
end

local function joined(record, events, size)
  local second = message_splice.new(stream.new(anthropic.new_reader(cjson.decode), true), record, { note = "again" }, cjson.decode)
  return support.fed(second, table.concat(events), size)
end

local THINKS = { { "thinking", "Let me think it over." }, { "text", "The Rhine is a river in Europe." },
                 { "tool_use", '{"city":"Basel","days":2}', "get_weather" }, { "tool_use", "{}", "get_time" } }
local CALLS = { { "text", "Let me look." }, { "tool_use", '{"city":"Basel"}', "get_weather" } }

describe("a message that is generated again", function()
  for title, blocks in pairs({ ["that thinks, says and calls"] = THINKS, ["that says and calls"] = CALLS }) do
    it(title .. " goes on from every event after which the first one can break off", function()
      local first = message("first", blocks, 5)
      for cut = 3, #first - 2 do
        for _, size in ipairs({ 3, 1000 }) do
          local record, out = sent(first, cut)
          local rest, kind = joined(record, message("second", blocks, size), 61)
          local got, ended = heard(out .. rest)
          assert.equal(chunk.DONE, kind)
          assert.same(blocks, got)
          assert.equal("end_turn", ended)
        end
      end
    end)
  end

  it("may break off itself, and the next one goes on from there", function()
    local first, second = message("first", CALLS, 4), message("second", CALLS, 3)
    for cut = 6, #second - 3 do
      local record, out = sent(first, 4)
      out = out .. joined(record, { unpack(second, 1, cut) }, 50)
      local rest, kind = joined(record, message("third", CALLS, 7), 50)
      assert.equal(chunk.DONE, kind)
      assert.same(CALLS, (heard(out .. rest)))
    end
  end)

  it("may think otherwise: its thoughts are left out, its answer is not", function()
    local other = { { "thinking", "Let us see." }, THINKS[2], THINKS[3], THINKS[4] }
    local first = message("first", THINKS, 5)
    for cut = 3, #first - 2 do
      local record, out = sent(first, cut)
      local rest, kind = joined(record, message("second", other, 5), 61)
      local got = heard(out .. rest)
      assert.equal(chunk.DONE, kind)
      assert.equal(THINKS[1][2]:sub(1, #got[1][2]), got[1][2])
      got[1] = THINKS[1]
      assert.same(THINKS, got)
    end
  end)

  it("may not think at all", function()
    local record, out = sent(message("first", THINKS, 5), 4)
    local rest, kind = joined(record, message("second", CALLS, 5), 61)
    local got = heard(out .. rest)
    assert.equal(chunk.DONE, kind)
    assert.same({ CALLS[1], CALLS[2] }, { got[2], got[3] })
  end)

  for title, other in pairs({
    ["says something else"] = { { "text", "Let us not." } },
    ["calls another tool"] = { CALLS[1], { "tool_use", '{"city":"Basel"}', "get_time" } },
    ["gives another argument"] = { CALLS[1], { "tool_use", '{"city":"Rome"}', "get_weather" } },
    ["says less"] = { { "text", "Let me" } },
    ["says more in a block that was whole"] = { { "text", "Let me look. And so on." }, CALLS[2] },
  }) do
    it("ends the stream where it " .. title, function()
      local first = message("first", CALLS, 5)
      local record, out = sent(first, #first - 3)
      local rest, kind = joined(record, message("second", other, 5), 61)
      assert.equal(splice.DIFFERS, kind)
      local _, ended = heard(out .. rest)
      assert.is_nil(ended)
    end)
  end

  it("gives pings as a sign of life while it repeats, and a comment where it is joined", function()
    local record = sent(message("first", CALLS, 4), 5)
    local second = message_splice.new(stream.new(anthropic.new_reader(cjson.decode), true), record, { note = "again" }, cjson.decode)
    local events = message("second", CALLS, 2)
    assert.equal("", (second:feed(table.concat(events, "", 1, 4), false)))
    assert.equal('event: ping\ndata: {"type":"ping"}\n\n', second:beat())
    local out = second:feed(table.concat(events, "", 5), false)
    assert.truthy(out:find(': again\nevent: ping\n', 1, true))
    assert.is_nil(second:beat())
  end)

  it("may be joined to a block that its provider closed before it failed", function()
    local failing = message("first", CALLS, 5)
    local text = table.concat(failing, "", 1, 6) .. event("content_block_stop", { index = 0 })
      .. event("message_delta", { delta = { stop_reason = "insufficient_system_resource" } })
    for size = 1, 200, 13 do
      local record, reader = message_record.new(), anthropic.new_reader(cjson.decode)
      reader:record_into(record)
      local first, out = stream.new(reader, true), ""
      for from = 1, #text, size do
        out = out .. first:feed(text:sub(from, from + size - 1), false)
      end
      assert.is_nil(out:find("content_block_stop", 1, true))
      local rest, kind = joined(record, message("second", CALLS, 5), 61)
      assert.equal(chunk.DONE, kind)
      assert.same(CALLS, (heard(out .. rest)))
    end
  end)
end)
