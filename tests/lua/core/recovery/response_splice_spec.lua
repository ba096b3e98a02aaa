-- A response that breaks off, and a second one that is joined to it: what the caller makes of both.
local chunk = require "core.answer.chunk"
local cjson = require "cjson.safe"
local forms = require "core.forms.responses"
local response_record = require "core.answer.response_record"
local response_splice = require "core.recovery.response_splice"
local responses = require "core.protocol.responses"
local splice = require "core.recovery.splice"
local sse = require "core.answer.sse"
local stream = require "core.answer.stream"
local support = require "support"

local TEXT, ARGUMENTS = "The Rhine is a river.", '{"city":"Basel"}'

local function body(id, said)
  return ('{"id":"resp_%s","object":"response","created_at":1,"status":"completed","model":"m","output":['
    .. '{"id":"rs_%s","type":"reasoning","summary":[{"type":"summary_text","text":"%s"}]},'
    .. '{"id":"msg_%s","type":"message","role":"assistant","status":"completed","content":['
    .. '{"type":"output_text","text":"%s","annotations":[]}]},'
    .. '{"id":"fc_%s","type":"function_call","call_id":"c_%s","name":"%s","arguments":%s,"status":"completed"}],'
    .. '"usage":{"input_tokens":3,"output_tokens":2}}')
    :format(id, id, said.thought or "Hm, rivers.", id, said.text or TEXT, id, id, said.name or "get_weather",
            cjson.encode(said.arguments or ARGUMENTS))
end

-- Its events, the deltas in pieces of so many bytes.
local function events_of(whole, size)
  local events = {}
  for _, data in ipairs(sse.all(forms.as_stream(whole))) do
    local value = cjson.decode(data)
    local delta = value.delta
    for from = 1, delta and #delta or 1, size do
      value.sequence_number = #events
      value.delta = delta and delta:sub(from, from + size - 1)
      local numbered = data:gsub('"sequence_number":%d+', '"sequence_number":' .. #events)
      events[#events + 1] = sse.event(delta and cjson.encode(value) or numbered, value.type)
    end
  end
  return events
end

-- What a client makes of the events: the text of each channel, the ids, and the last event's response.
local function heard(text)
  local texts, whole, last = {}, nil, -1
  for _, data in ipairs(sse.all(text)) do
    local value = assert(cjson.decode(data))
    assert.equal(last + 1, value.sequence_number)
    last = value.sequence_number
    if value.item_id then
      assert.truthy(value.item_id:find("_first$"))
    end
    if value.delta then
      local key = value.type .. value.output_index
      texts[key] = (texts[key] or "") .. value.delta
    elseif value.type == "response.completed" then
      whole = value.response
    end
  end
  return texts, whole
end

local function sent(events, count)
  local record, reader = response_record.new(), responses.new_reader(cjson.decode)
  reader:record_into(record)
  return record, (stream.new(reader, true):feed(table.concat(events, "", 1, count), false))
end

local function joined(record, events, size)
  local second = response_splice.new(stream.new(responses.new_reader(cjson.decode), true), record, { note = "again" }, cjson.decode)
  return support.fed(second, table.concat(events), size)
end

describe("a response that is generated again", function()
  local first = events_of(body("first", {}), 4)

  it("goes on from every event after which the first one can break off, under the ids that its items have", function()
    for cut = 5, #first - 1 do
      for _, size in ipairs({ 3, 1000 }) do
        local record, out = sent(first, cut)
        local rest, kind = joined(record, events_of(body("second", {}), size), 83)
        assert.equal(chunk.DONE, kind)
        local all = (out .. rest):gsub("_second", function()
          return "_first" -- of items that only the second one has: their ids are its own
        end)
        local texts, whole = heard(all)
        assert.equal(TEXT, texts["response.output_text.delta1"])
        assert.equal(ARGUMENTS, texts["response.function_call_arguments.delta2"])
        assert.equal("resp_first", whole.id)
        assert.truthy(rest:find('"id":"resp_first"', 1, true))
        assert.is_nil(rest:find("resp_second", 1, true))
      end
    end
  end)

  it("keeps the first one's ids in its last event", function()
    local record = sent(first, #first - 1)
    local rest = joined(record, events_of(body("second", {}), 5), 83)
    assert.is_nil(rest:find("msg_second", 1, true))
    assert.truthy(rest:find('"id":"msg_first"', 1, true))
  end)

  for title, other in pairs({
    ["says something else"] = { text = "The Rhone is a river." }, ["says less"] = { text = "The Rhine" },
    ["says more than was whole"] = { text = TEXT .. " Yes." }, ["calls another tool"] = { name = "get_time" },
    ["gives another argument"] = { arguments = '{"city":"Rome"}' }, ["thinks otherwise"] = { thought = "Well." },
  }) do
    it("ends the stream where it " .. title, function()
      local record = sent(first, #first - 3)
      local rest, kind = joined(record, events_of(body("second", other), 5), 61)
      assert.equal(splice.DIFFERS, kind)
      assert.is_nil(rest:find("response.completed", 1, true))
    end)
  end
end)
