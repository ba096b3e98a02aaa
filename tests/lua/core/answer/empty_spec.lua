local cjson = require "cjson.safe"
local empty = require "core.answer.empty"

local function answer(message, reason)
  return ('{"choices":[{"index":0,"message":%s,"finish_reason":"%s"}]}'):format(message, reason or "stop")
end

describe("a whole answer is empty", function()
  for _, case in ipairs({
    { '{"role":"assistant","content":""}', "stop", true },
    { '{"role":"assistant","content":null,"tool_calls":[]}', "stop", true },
    { '{"role":"assistant"}', "stop", true },
    { "{}", "", true },
    { '{"role":"assistant","content":""}', "null", true },
    { '{"role":"assistant","tool_calls":[{"id":"1"}]}', "tool_calls", false },
    { '{"role":"assistant","content":"","reasoning_content":"hm"}', "stop", true },
    { '{"role":"assistant","reasoning_details":[{"content":"x"}],"content":"Yes"}', "stop", false },
    { '{"role":"assistant","content":"Yes"}', "stop", false },
    { '{"role":"assistant","content":" "}', "stop", false },
    { '{"role":"assistant","content":""}', "length", false },
    { '{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]}', "stop", false },
    { '{"role":"assistant","content":null,"refusal":"No."}', "stop", false },
    { '{"role":"assistant","content":"","images":[{"url":"x"}]}', "stop", false },
  }) do
    it(("%s: %s with %s"):format(case[3], case[1], case[2]), function()
      assert.equal(case[3], empty.is_whole(answer(case[1], case[2]), cjson.decode))
    end)
  end

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
