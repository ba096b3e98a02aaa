package.path = "tests/lua/?.lua;" .. package.path

local cjson = require "cjson.safe"
local empty = require "core.answer.empty"
local support = require "support"

describe("a whole answer is empty", function()
  for _, case in ipairs(support.vectors("empty").cases) do
    it(("%s: %s"):format(case.empty, case.name), function()
      local body = cjson.encode({ choices = { { index = 0, message = case.message, finish_reason = case.finish } } })
      assert.equal(case.empty, empty.is_whole(body, cjson.decode))
    end)
  end

  it("whatever its thoughts have in them", function()
    local body = '{"choices":[{"message":{"reasoning_details":[{"content":"hm"}],"content":"%s"},"finish_reason":"stop"}]}'
    assert.is_true(empty.is_whole(body:format(""), cjson.decode))
    assert.is_false(empty.is_whole(body:format("Yes"), cjson.decode))
  end)

  it("when all its choices are", function()
    local one, other = '{"message":{"content":""},"finish_reason":"stop"}', '{"message":{"content":"x"},"finish_reason":"stop"}'
    assert.is_true(empty.is_whole(('{"choices":[%s,%s]}'):format(one, one), cjson.decode))
    assert.is_false(empty.is_whole(('{"choices":[%s,%s]}'):format(one, other), cjson.decode))
  end)
end)

describe("nothing may be what was wanted", function()
  for _, case in ipairs({
    { '{"messages":[{"role":"user","content":"x"}]}', false },
    { '{"messages":[{"role":"user","content":"x"}],"stop":null}', false },
    { '{"messages":[{"role":"user","content":"x"}],"stop":[]}', false },
    { '{"messages":[{"role":"user","content":"x"}],"stop":"\\n"}', true },
    { '{"messages":[{"role":"user","content":"x"}],"stop":["a"]}', true },
    { '{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}', true },
    { '{"prompt":"x"}', true },
  }) do
    it(("%s: %s"):format(case[2], case[1]), function()
      assert.equal(case[2], empty.may_be_wanted(case[1], cjson.decode))
    end)
  end
end)

describe("a message or a response is empty", function()
  for body, want in pairs({
    ['{"type":"message","content":[],"stop_reason":"end_turn"}'] = true,
    ['{"type":"message","content":[{"type":"text","text":""}],"stop_reason":"end_turn"}'] = true,
    ['{"type":"message","content":[{"type":"thinking","thinking":"hm"}],"stop_reason":"end_turn"}'] = true,
    ['{"type":"message","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn"}'] = false,
    ['{"type":"message","content":[],"stop_reason":"max_tokens"}'] = false,
    ['{"type":"message","content":[{"type":"tool_use","name":"f","input":{}}],"stop_reason":"tool_use"}'] = false,
    ['{"object":"response","status":"completed","output":[]}'] = true,
    ['{"object":"response","status":"completed","output":[{"type":"reasoning","summary":[]}]}'] = true,
    ['{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":""}]}]}'] = true,
    ['{"object":"response","status":"incomplete","output":[]}'] = false,
    ['{"object":"response","status":"completed","output":[{"type":"function_call","name":"f"}]}'] = false,
    ['{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"No"}]}]}'] = false,
  }) do
    it(tostring(want) .. ": " .. body, function()
      assert.equal(want, empty.is_whole(body, cjson.decode))
    end)
  end

  it("and may be what was wanted, where it says when to stop or begins the answer itself", function()
    assert.is_true(empty.may_be_wanted('{"messages":[{"role":"user"}],"stop_sequences":["END"]}', cjson.decode))
    assert.is_false(empty.may_be_wanted('{"messages":[{"role":"user"}],"stop_sequences":[]}', cjson.decode))
    assert.is_false(empty.may_be_wanted('{"input":"Hi"}', cjson.decode))
    assert.is_true(empty.may_be_wanted('{"prompt":"Hi"}', cjson.decode))
  end)
end)
