local cjson = require "cjson.safe"
local parameters = require "core.request.parameters"


local function rule(path, given)
  given = given or {}
  return { path = path, set = given.set, default = given.default, maximum = given.maximum, remove = given.remove or false,
           surfaces = given.surfaces or {} }
end


local function applied(body, ...)
  local prepared = parameters.prepare({ ... })
  return parameters.apply(prepared and prepared.chat, body, cjson.decode)
end


describe("parameters of an endpoint", function()
  local cases = {
    { "set replaces", '{"model":"m","temperature":1.50}', '{"model":"m","temperature":0.2}', rule("temperature", { set = "0.2" }) },
    { "set adds", '{"model":"m"}', '{"model":"m","user_id":"pool"}', rule("user_id", { set = '"pool"' }) },
    { "set adds to nothing", "{}", '{"a":1}', rule("a", { set = "1" }) },
    { "set goes into an object", '{"thinking":{"type":"enabled","budget":5}}', '{"thinking":{"type":"disabled","budget":5}}',
      rule("thinking.type", { set = '"disabled"' }) },
    { "set makes the objects on its way", '{"a":1}', '{"a":1,"provider":{"sort":{"by":"price"}}}',
      rule("provider.sort.by", { set = '"price"' }) },
    { "set replaces what is no object", '{"thinking":"on"}', '{"thinking":{"type":"disabled"}}',
      rule("thinking.type", { set = '"disabled"' }) },
    { "no default beneath what is no object", '{"thinking":false,"o":[1]}', '{"thinking":false,"o":[1]}',
      rule("thinking.type", { default = '"enabled"' }), rule("o.a", { default = "1" }) },
    { "a default beneath null", '{"thinking":null}', '{"thinking":{"type":"enabled"}}',
      rule("thinking.type", { default = '"enabled"' }) },
    { "a default beside what is set beneath no object", '{"t":1}', '{"t":{"a":1,"b":2}}',
      rule("t.a", { set = "1" }), rule("t.b", { default = "2" }) },
    { "names as of a language's own", '{"__index":1,"nodes":2,"constructor":{"set":3}}',
      '{"__index":9,"nodes":2,"constructor":{"set":3,"__proto__":{"x":1}}}',
      rule("__index", { set = "9" }), rule("constructor.__proto__.x", { set = "1" }) },
    { "a default where nothing is", '{"a":1}', '{"a":1,"max_tokens":100}', rule("max_tokens", { default = "100" }) },
    { "a default where null is", '{"max_tokens":null}', '{"max_tokens":100}', rule("max_tokens", { default = "100" }) },
    { "no default where a value is", '{"max_tokens":0}', '{"max_tokens":0}', rule("max_tokens", { default = "100" }) },
    { "below the maximum", '{"max_tokens":99.50}', '{"max_tokens":99.50}', rule("max_tokens", { maximum = 100 }) },
    { "beyond the maximum", '{"max_tokens":1e9}', '{"max_tokens":100}', rule("max_tokens", { maximum = 100 }) },
    { "a number in quotes is no way round it", '{"max_tokens":"9999"}', '{"max_tokens":100}',
      rule("max_tokens", { maximum = 100 }) },
    { "a name in escapes is no way round it", '{"max_tok\\u0065ns":9999}', '{"max_tok\\u0065ns":100}',
      rule("max_tokens", { maximum = 100 }) },
    { "said twice, limited twice", '{"max_tokens":5,"max_tokens":9999}', '{"max_tokens":5,"max_tokens":100}',
      rule("max_tokens", { maximum = 100 }) },
    { "a maximum adds nothing", '{"a":1}', '{"a":1}', rule("max_tokens", { maximum = 100 }) },
    { "a big maximum keeps its digits", '{"n2":1e300}', '{"n2":90071992547409}', rule("n2", { maximum = 90071992547409 }) },
    { "removed", '{"a":1,"user":"me","b":[1, 2]}', '{"a":1,"b":[1, 2]}', rule("user", { remove = true }) },
    { "removed inside", '{"o":{"x":1,"y":2}}', '{"o":{"y":2}}', rule("o.x", { remove = true }) },
    { "removed, then the default", '{"a":5}', '{"a":1}', rule("a", { remove = true, default = "1" }) },
    { "removing what is missing", '{"a":1}', '{"a":1}', rule("b.c", { remove = true }) },
    { "the value of another member stays as it is", '{ "a" : 1.50 , "b":[ ],"t":"x"}', '{"a":1.50,"b":[ ],"t":1}',
      rule("t", { set = "1" }) },
    { "another surface's rule", '{"a":1}', '{"a":1}', rule("a", { set = "2", surfaces = { "messages" } }) },
    { "this surface's rule", '{"a":1}', '{"a":2}', rule("a", { set = "2", surfaces = { "messages", "chat" } }) },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      assert.equal(case[3], applied(case[2], unpack(case, 4)))
    end)
  end

  it("of two rules for a path, the later one counts", function()
    assert.equal('{"a":2}', applied('{"a":0}', rule("a", { set = "1" }), rule("a", { set = "2" })))
  end)

  it("an object that is set, and a member of it", function()
    assert.equal('{"t":{"x":1,"y":2}}', applied("{}", rule("t", { set = '{"x":1}' }), rule("t.y", { set = "2" })))
  end)

  it("without rules there is nothing to do", function()
    assert.is_nil(parameters.prepare({}))
    assert.equal("{ }", parameters.apply(nil, "{ }", cjson.decode))
  end)

  it("what is no object goes on as it is", function()
    assert.equal("[1]", applied("[1]", rule("a", { set = "1" })))
  end)

  it("reads each level once, whatever the number of rules", function()
    local pauses = 0
    local prepared = parameters.prepare({ rule("a", { set = "1" }), rule("b", { set = "1" }), rule("c.d", { set = "1" }) })
    local body = '{"big":"' .. ("x"):rep(4 * 1024 * 1024) .. '"}'
    parameters.apply(prepared.chat, body, cjson.decode, function() pauses = pauses + 1 end)
    local alone = 0
    parameters.apply(parameters.prepare({ rule("a", { set = "1" }) }).chat, body, cjson.decode, function() alone = alone + 1 end)
    assert.equal(alone, pauses)
  end)
end)
