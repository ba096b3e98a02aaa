local sse = require "core.answer.sse"

-- All events of a text: their data, "-" for those without.
local function events(text)
  local pos, found = 1, {}
  while true do
    local stop, next_pos = sse.boundary(text, pos, true, sse.has_cr(text))
    if not stop then
      return table.concat(found, "|")
    end
    found[#found + 1] = sse.data(text:sub(pos, stop)) or "-"
    pos = next_pos
  end
end

describe("events", function()
  for _, case in ipairs({
    { "end at an empty line", "data: a\n\ndata: b\n\n", "a|b" },
    { "may end their lines with CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", "a|b" },
    { "may end their lines with CR", "data: a\r\rdata: b\r\r", "a|b" },
    { "may mix them", "data: a\r\n\ndata: b\n\r\ndata: c\r\n\r\n", "a|b|c" },
    { "join several lines of data", "data: a\ndata: b\n\n", "a\nb" },
    { "need no space after the colon, and lose only one", "data:a\n\ndata:  b\n\n", "a| b" },
    { "may carry a field without a value", "data\n\n", "" },
    { "may carry other fields", "event: error\nid: 7\ndata: a\nretry: 3\n\n", "a" },
    { "may be comments only", ": keep-alive\n\ndata: a\n\n", "-|a" },
    { "may carry a comment and data", ": x\ndata: a\n\n", "a" },
    { "are not there before their empty line", "data: a\n\ndata: b\n", "a" },
    { "may be separated by more than one empty line", "data: a\n\n\n\ndata: b\n\n", "a|-|-|b" },
  }) do
    it(case[1], function()
      assert.equal(case[3], events(case[2]))
    end)
  end

  it("tell their name", function()
    local _, name = sse.data("event: error\ndata: x\n")
    assert.equal("error", name)
  end)

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
