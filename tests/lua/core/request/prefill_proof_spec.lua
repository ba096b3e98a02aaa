local cjson = require "cjson.safe"
local proof = require "core.request.prefill_proof"

local function answer(text)
  return { choices = { { message = { role = "assistant", content = text } } } }
end

describe("the proof that a server continues an answer", function()
  it("asks for a few tokens, by the endpoint's own name of the model", function()
    local body = cjson.decode(proof.body('a "b"'))
    assert.equal('a "b"', body.model)
    assert.equal(0, body.temperature)
    assert.is_true(body.max_tokens < 10)
    assert.equal("assistant", body.messages[#body.messages].role)
  end)

  local begun = cjson.decode(proof.body("m")).messages[2].content
  for text, want in pairs({
    [" L M N O P"] = true, ["L"] = true, [", L, M"] = true, [" l m n"] = true, [begun .. " L M N"] = true,
    ["A B C D E F"] = false, ["Let me say them: A"] = false, ["The letters"] = false, [" M N O"] = false,
    [begun] = false, ["In order, as asked: A B C D"] = false, ["\nLorem"] = false,
  }) do
    it("is " .. tostring(want) .. " of " .. text, function()
      assert.equal(want, proof.continues(answer(text)))
    end)
  end

  it("is nothing without a text", function()
    for _, said in ipairs({ answer(""), answer(cjson.null), { choices = {} }, { choices = cjson.null }, {} }) do
      assert.is_nil(proof.continues(said))
    end
    assert.is_nil(proof.continues(nil))
  end)
end)
