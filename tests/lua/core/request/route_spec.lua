local route = require "core.request.route"

local CHAT = { name = "chat" }


local function endpoint(name, lacks)
  return { name = name, places = { chat = {} }, routes = { m = { of = name } }, lacks_feature = lacks or {} }
end


local function request(endpoints, client, features)
  return { surface = CHAT, model = "m", doc = { endpoints = endpoints },
           barred = route.barred(endpoints, client, features or {}) }
end


describe("the way to an endpoint", function()
  local a, b = endpoint("a"), endpoint("b", { tools = true })

  it("is its route for the model on the surface", function()
    assert.equal("a", route.of(request({ a, b }, {}), a).of)
    assert.is_nil(route.of({ surface = CHAT, model = "other" }, a))
    assert.falsy(route.of({ surface = { name = "responses" }, model = "m" }, a))
  end)

  it("does not exist for a client that may not use it", function()
    local asked = request({ a, b }, { allowed = { b = true } })
    assert.is_nil(route.of(asked, a))
    assert.truthy(route.of(asked, b))
    assert.is_nil(route.bar(asked))
  end)

  it("does not exist for what the endpoint lacks", function()
    local asked = request({ a, b }, {}, { "images", "tools" })
    assert.truthy(route.of(asked, a))
    assert.is_nil(route.of(asked, b))
  end)

  it("costs nothing where nobody is barred", function()
    assert.is_nil(route.barred({ a, b }, {}, {}))
    assert.is_nil(route.barred({ a }, {}, { "tools" }))
  end)

  local bars = {
    { "a client that may use none", { allowed = {} }, {}, "client" },
    { "a client that may use one", { allowed = { a = true } }, {}, nil },
    { "a feature that the allowed one lacks", { allowed = { b = true } }, { "tools" }, "tools" },
    { "a feature that the other takes", {}, { "tools" }, nil },
  }
  for _, case in ipairs(bars) do
    it("is barred everywhere: " .. case[1], function()
      assert.equal(case[4], route.bar(request({ a, b }, case[2], case[3])))
    end)
  end

  it("is no question of bars where no endpoint serves the model", function()
    local asked = request({ a, b }, { allowed = {} })
    asked.model = "other"
    assert.is_nil(route.bar(asked))
  end)
end)
