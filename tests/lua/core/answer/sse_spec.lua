package.path = "tests/lua/?.lua;" .. package.path

local sse = require "core.answer.sse"
local support = require "support"

-- All events of a stream that carry data: their names and their data.
local function events(stream)
  local text = sse.without_bom(stream)
  local pos, found = 1, {}
  while true do
    local stop, next_pos = sse.boundary(text, pos, true, sse.has_cr(text))
    if not stop then
      return found
    end
    local data, name = sse.data(text:sub(pos, stop))
    if data then
      found[#found + 1] = { name or "", data }
    end
    pos = next_pos
  end
end

describe("events", function()
  for _, case in ipairs(support.vectors("streams").cases) do
    it(case.name, function()
      assert.same(case.events, events(case.stream))
    end)
  end

  it("wait for what may be the other half of a CRLF", function()
    assert.is_nil(sse.boundary("data: a\r\n\r", 1, false, true))
    assert.equal(9, (sse.boundary("data: a\r\n\r\n", 1, false, true)))
    assert.equal(9, (sse.boundary("data: a\r\n\r", 1, true, true)))
  end)

  it("may have a byte order mark before them", function()
    assert.equal("data: a", sse.without_bom("\239\187\191data: a"))
    assert.is_true(sse.is_bom_prefix("\239\187"))
    assert.is_false(sse.is_bom_prefix("da"))
  end)
end)
