local uuid = require "core.http.uuid"

local RANDOM = "0123456789abcdef0123456789abcdef"
local SERIES, TRACES = uuid.series(RANDOM)

describe("a counted uuid", function()
  it("is one of version 4", function()
    assert.is_true(uuid.is(uuid.counted(SERIES, 1)))
    assert.are.equal("01234567-89ab-4cde-af01-000000000001", uuid.counted(SERIES, 1))
  end)

  it("is a trace's id without its dashes", function()
    assert.are.equal((uuid.counted(SERIES, 41):gsub("-", "")), uuid.counted(TRACES, 41))
  end)

  it("differs from the next", function()
    assert.are_not.equal(uuid.counted(SERIES, 41), uuid.counted(SERIES, 42))
  end)
end)

describe("what is no random uuid", function()
  for _, text in ipairs({ "", "abc-1", RANDOM, "01234567-89ab-1cde-af01-000000000001", "01234567-89ab-4cde-af01-00000000000g" }) do
    it(("'%s'"):format(text), function()
      assert.is_false(uuid.is(text))
    end)
  end
end)
