package.path = "tests/lua/?.lua;" .. package.path

local chunk = require "core.answer.chunk"
local cjson = require "cjson.safe"
local classify = require "core.error.classify"
local openai = require "core.protocol.openai"
local sse = require "core.answer.sse"
local support = require "support"

local function nothing() end

describe("an event of a stream", function()
  for _, case in ipairs(support.vectors("events").cases) do
    it(case.provider .. ": " .. case.name, function()
      local reader = openai.new_reader(cjson.decode, 1)
      local kind, detail = reader:read(case.event, 1, (sse.boundary(case.event, 1, false, sse.has_cr(case.event))))
      assert.equal(case.want.kind, kind)
      if kind == chunk.ERROR then
        local refusal = classify.refusal(200, nothing, detail, case.provider, 0)
        assert.equal(case.want.class, refusal.class)
        assert.equal(case.want.reason, refusal.reason)
      end
    end)
  end

  it("is an error where it has that name and no data, or a first line without a field before other data", function()
    local reader = openai.new_reader(cjson.decode, 1)
    local event = '{"error":{"message":"x"}}\ndata: [DONE]\n'
    assert.equal(chunk.ERROR, (reader:read(event, 1, #event)))
    event = "event: error\n"
    assert.equal(chunk.ERROR, (reader:read(event, 1, #event)))
    event = '{"note":1}\ndata: [DONE]\n'
    assert.equal(chunk.DONE, (reader:read(event, 1, #event)))
  end)
end)
