local media_type = require "core.answer.media_type"

describe("the type that a caller gets", function()
  for given, want in pairs({
    ["application/json"] = "application/json",
    ["application/json; charset=utf-8"] = "application/json; charset=utf-8",
    ["application/json;charset=\"gbk\"; x=y"] = "application/json; charset=gbk",
    ["application/problem+json"] = "application/json",
    ["text/html; charset=iso-8859-1"] = "text/plain; charset=iso-8859-1",
    ["text/event-stream; charset=utf-8"] = "text/event-stream; charset=utf-8",
    ["image/svg+xml"] = "application/json",
  }) do
    it("of " .. given .. " is " .. want, function()
      assert.equal(want, media_type.of(given))
    end)
  end

  it("of a stream is a stream's, whatever its provider says", function()
    assert.equal("text/event-stream; charset=utf-8", media_type.of_stream("text/event-stream; charset=utf-8"))
    assert.equal("text/event-stream", media_type.of_stream("text/plain; charset=utf-8"))
    assert.equal("text/event-stream", media_type.of_stream(nil))
  end)
end)
