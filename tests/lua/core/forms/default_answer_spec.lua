local cjson = require "cjson.safe"
local chunk = require "core.answer.chunk"
local default_answer = require "core.forms.default_answer"
local stream = require "core.answer.stream"
local surfaces = require "core.protocol.surface"

local TEXT = 'Busy "now"\nlater'
local PATHS = { "/v1/chat/completions", "/v1/completions", "/anthropic/v1/messages", "/v1/responses" }

local function body_at(path, is_stream)
  return default_answer.body(TEXT, { surface = surfaces.POST[path].name, id = "i", model = "m", created_s = 1732000000,
                                     is_stream = is_stream, wants_usage = true })
end

-- The text in what a caller gets, wherever it stands, and how often.
local function times_said(value)
  if value == TEXT then
    return 1
  end
  local count = 0
  for _, part in pairs(type(value) == "table" and value or {}) do
    count = count + times_said(part)
  end
  return count
end

describe("a text of our own", function()
  for _, path in ipairs(PATHS) do
    local surface = surfaces.POST[path]

    it("is a whole answer of " .. surface.title, function()
      local body = body_at(path, false)
      assert.is_true((surface.protocol.read_whole(body, cjson.decode, surface.member)))
      assert.equal(1, times_said(cjson.decode(body)))
    end)

    it("is a stream of " .. surface.title .. " with its proper end", function()
      local reader = surface.protocol.new_reader(cjson.decode, 1)
      local body = body_at(path, true)
      local passed_on, progress, kind = stream.new(reader, true):feed(body, true)
      assert.equal(body, passed_on)
      assert.is_true(progress)
      assert.equal(chunk.DONE, kind)
    end)
  end

  it("is none of embeddings", function()
    assert.is_nil(default_answer.body(TEXT, { surface = "embeddings" }))
  end)
end)
