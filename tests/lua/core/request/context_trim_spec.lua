local cjson = require "cjson.safe"
local trim = require "core.request.context_trim"

local SYSTEM = '{"role":"system","content":"Be kind."}'

local function said(role, text)
  return ('{"role": "%s", "content": "%s"}'):format(role, text)
end

local function turn(number)
  return said("user", "q" .. number) .. ",\n " .. said("assistant", "a" .. number)
end

local function conversation(...)
  return "[" .. table.concat({ ... }, ",") .. "]"
end

local function contents(text)
  local found = {}
  for i, message in ipairs(assert(cjson.decode(text))) do
    found[i] = message.content
  end
  return table.concat(found, " ")
end

describe("a conversation that is too long", function()
  it("keeps what the system says and the last turns", function()
    local text, gone = trim.messages(conversation(SYSTEM, turn(1), turn(2), turn(3), said("user", "q4")), 2, cjson.decode)
    assert.equal("Be kind. q3 a3 q4", contents(text))
    assert.equal(2, gone)
  end)

  it("keeps every word of what it keeps", function()
    local odd = '{"content":[{"type":"text","text":"\\u00e9 ]}"}],"role":"user","x":12345678901234567890}'
    local text = trim.messages(conversation(turn(1), odd), 1, cjson.decode)
    assert.equal("[" .. odd .. "]", text)
  end)

  it("keeps a tool's call and its answer together", function()
    local call = '{"role":"assistant","content":"call","tool_calls":[{"id":"c","type":"function"}]}'
    local answer = '{"role":"tool","content":"result","tool_call_id":"c"}'
    local text = trim.messages(conversation(turn(1), said("user", "q2"), call, answer, said("assistant", "a2"),
                                            said("user", "q3")), 2, cjson.decode)
    assert.equal("q2 call result a2 q3", contents(text))
  end)

  it("takes several things said by the user in a row for one turn", function()
    local text = trim.messages(conversation(turn(1), said("user", "one"), said("user", "more")), 1, cjson.decode)
    assert.equal("one more", contents(text))
  end)

  for title, text in pairs({
    ["no more turns than are kept"] = conversation(SYSTEM, turn(1), turn(2)),
    ["a conversation that starts with an answer"] = conversation(said("assistant", "a"), turn(1), turn(2), turn(3)),
    ["no conversation"] = '"x"',
    ["an empty one"] = "[]",
    ["messages that are no objects"] = '["a","b","c","d"]',
  }) do
    it("has nothing to spare with " .. title, function()
      assert.is_nil((trim.messages(text, 2, cjson.decode)))
    end)
  end

  it("is made shorter in the request, and nothing else of it changes", function()
    local body = '{"model":"m","messages":' .. conversation(turn(1), turn(2)) .. ',"seed":12345678901234567890}'
    local shorter, gone = trim.body(body, 1, cjson.decode)
    assert.equal(1, gone)
    assert.equal("q2 a2", contents(shorter:match("%[.*%]")))
    assert.truthy(shorter:find('"seed":12345678901234567890', 1, true))
  end)
end)
