local conversation = require "core.balancing.conversation"
local jsonscan = require "core.json.scan"

local function start(body)
  return conversation.start(body, assert(jsonscan.members(body)))
end

local SYSTEM = '{"role":"system","content":"Be brief."}'
local QUESTION = '{"role":"user","content":"Why, \\"sky\\"?"}'
local ANSWER = '{"role":"assistant","content":"Rayleigh [1]."}'

local function chat(...)
  return '{"model":"m","messages":[' .. table.concat({ ... }, " , ") .. '],"stream":true}'
end

describe("the start of a conversation", function()
  it("is the same in all its turns", function()
    local first = start(chat(SYSTEM, QUESTION))
    assert.equal(first, start(chat(SYSTEM, QUESTION, ANSWER, '{"role":"user","content":"More."}')))
  end)

  it("differs with the system prompt and with the first question", function()
    local first = start(chat(SYSTEM, QUESTION))
    assert.not_equal(first, start(chat(QUESTION)))
    assert.not_equal(first, start(chat(SYSTEM, '{"role":"user","content":"Why the sea?"}')))
  end)

  it("knows a user by the role, not by what is said", function()
    local trap = '{"content":"{\\"role\\":\\"user\\"}","role":"system"}'
    assert.equal("[" .. trap .. " , " .. QUESTION, start(chat(trap, QUESTION, ANSWER)))
  end)

  for name, case in pairs({
    ["of a prompt that is one text is its beginning"] = {
      '{"prompt":"' .. ("x"):rep(5000) .. '"}', '{"prompt":"' .. ("x"):rep(9000) .. '"}', true },
    ["of another prompt is another"] = { '{"prompt":"one"}', '{"prompt":"two"}', false },
    ["includes a system prompt that stands apart"] = {
      '{"system":"a","messages":[' .. QUESTION .. "]}", '{"system":"b","messages":[' .. QUESTION .. "]}", false },
    ["includes instructions"] = { '{"instructions":"a","input":"x"}', '{"instructions":"b","input":"x"}', false },
    ["of a list without a user is the whole list"] = { chat(SYSTEM), chat(SYSTEM, SYSTEM), false },
  }) do
    it(name, function()
      assert.equal(case[3], start(case[1]) == start(case[2]))
    end)
  end

  it("does not exist where there are no turns", function()
    assert.is_nil(start('{"model":"m"}'))
    assert.is_nil(start('{"messages":7}'))
    assert.truthy(start('{"messages":[]}'))
  end)
end)
