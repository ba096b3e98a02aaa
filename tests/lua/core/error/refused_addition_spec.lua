local refused_addition = require "core.error.refused_addition"
local scan = require "core.json.scan"

local BODY = '{"model":"m","stream":true,"top_k":3,"messages":[]}'

local function may_be(class, words)
  return refused_addition.may_be({ class = class, answer = { status = 400, body = words } }, scan.members(BODY))
end

describe("a refusal", function()
  for _, words in ipairs({
    '{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}',
    '{"error":{"message":"Unrecognized request argument supplied: stream_options"}}',
    "Json deserialize error: unknown field `stream_options`, expected one of `prompt`",
    '{"message":"Additional properties are not allowed"}',
    "create() got an unexpected keyword argument 'stream_options'",
    '{"error":"include_usage is not supported"}',
  }) do
    it("may mean what the router added: " .. words, function()
      assert.is_true(may_be("ClientFault", words))
      assert.is_true(may_be("ServerError", words))
    end)
  end

  for _, words in ipairs({
    '{"error":{"message":"Unrecognized request argument supplied: top_k"}}',
    '{"error":{"message":"temperature must be below 2"}}',
    "",
  }) do
    it("does not mean it: " .. words, function()
      assert.is_false(may_be("ClientFault", words))
    end)
  end

  it("of a key or for a rate does not mean it, whatever it quotes", function()
    assert.is_false(may_be("RateLimited", "stream_options"))
    assert.is_false(may_be("Credential", "stream_options"))
    assert.is_false(refused_addition.may_be({ class = "Connect" }, {}))
  end)

  it("with 403 means it where it names it", function()
    local function forbidden(words)
      local failure = { class = "Credential", answer = { status = 403, body = words } }
      return refused_addition.may_be(failure, scan.members(BODY))
    end
    assert.is_true(forbidden("Parameter stream_options is not allowed"))
    assert.is_false(forbidden("Additional properties are not allowed"))
  end)
end)
