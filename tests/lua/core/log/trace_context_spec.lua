local trace_context = require "core.log.trace_context"

local TRACE, SPAN = ("4bf92f3577b34da6a3ce929d0e0e4736"), "00f067aa0ba902b7"

describe("a caller's traceparent", function()
  it("is taken apart", function()
    assert.same({ trace = TRACE, parent = SPAN, flags = "01" },
                trace_context.parse("00-" .. TRACE .. "-" .. SPAN .. "-01"))
  end)

  it("of a later version may have more behind it", function()
    assert.equal(TRACE, trace_context.parse("cc-" .. TRACE .. "-" .. SPAN .. "-01-what-the-future").trace)
  end)

  for name, given in pairs({
    ["no text"] = 7, ["nothing"] = "", ["upper case"] = "00-" .. TRACE:upper() .. "-" .. SPAN .. "-01",
    ["a trace of zeros"] = "00-" .. ("0"):rep(32) .. "-" .. SPAN .. "-01",
    ["a span of zeros"] = "00-" .. TRACE .. "-" .. ("0"):rep(16) .. "-01",
    ["version ff"] = "ff-" .. TRACE .. "-" .. SPAN .. "-01", ["a short trace"] = "00-" .. TRACE:sub(2) .. "-" .. SPAN .. "-01",
    ["more behind version 00"] = "00-" .. TRACE .. "-" .. SPAN .. "-01-x", ["two of them"] = { "a", "b" },
    ["a line end"] = "00-" .. TRACE .. "-" .. SPAN .. "-01\r\nx: y",
  }) do
    it("is none: " .. name, function()
      assert.is_nil(trace_context.parse(given))
    end)
  end
end)

describe("the trace of an attempt", function()
  it("is the caller's, with a span of its own", function()
    local next_span = trace_context.series(math.random)
    local one, other = next_span(), next_span()
    assert.truthy(one:find("^%x+$") and #one == 16)
    assert.not_equal(one, other)
    assert.truthy(trace_context.parse(trace_context.traceparent(TRACE, one, "01")))
  end)

  it("never has a span of zeros", function()
    assert.not_equal(("0"):rep(16), trace_context.series(function() return 0 end)())
  end)

  it("has the vendors' part as it came, where that is short and printable", function()
    assert.equal("a=1,b=2", trace_context.state("a=1,b=2"))
    assert.equal("a=1,b=2", trace_context.state({ "a=1", "b=2" }))
    assert.is_nil(trace_context.state("a=\1"))
    assert.is_nil(trace_context.state(("x"):rep(513)))
    assert.is_nil(trace_context.state(nil))
  end)
end)
