package.path = "tests/lua/?.lua;" .. package.path

local model_name = require "core.answer.model_name"
local support = require "support"

describe("the model of an answer", function()
  for _, case in ipairs(support.vectors("models")) do
    it(case.name, function()
      assert.equal(case.is_same, model_name.is_same(case.asked, case.answered))
    end)
  end

  it("is shown bounded, and as text that no terminal obeys", function()
    assert.equal("a??31mb", model_name.shown("a\27[31mb"))
    assert.equal(128, #model_name.shown(("x"):rep(500)))
    assert.is_nil(model_name.shown(""))
    assert.is_nil(model_name.shown(7))
  end)
end)
