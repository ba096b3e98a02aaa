local peek = require "core.json.peek"

local STRING = '^%s*:%s*"([^"]*)"'


describe("a member's value, found without decoding", function()
  it("is what stands right behind its name", function()
    assert.are.same({ 2, "chat" }, { peek.behind('{"model" : "chat"}', '"model"', STRING) })
  end)

  it("passes over a text that only looks like the name", function()
    assert.are.same({ 27, "b" }, { peek.behind('{"a":"model","c":"model",,"model":"b"}', '"model"', STRING) })
  end)

  it("begins at the given byte", function()
    assert.are.same({ 11, "y" }, { peek.behind('{"n":"x", "n":"y"}', '"n"', STRING, 3) })
  end)

  it("is nothing where the name is missing, or something else is behind it", function()
    assert.is_nil(peek.behind('{"other":"x"}', '"model"', STRING))
    assert.is_nil(peek.behind('{"model":7}', '"model"', STRING))
    assert.is_nil(peek.behind("", '"model"', STRING))
  end)
end)


describe("the last of a character", function()
  it("is the one with none behind it", function()
    assert.are.equal(5, peek.last("a]b]]c", "]"))
    assert.are.equal(1, peek.last("]", "]"))
    assert.is_nil(peek.last("abc", "]"))
  end)
end)
