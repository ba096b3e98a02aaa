local route = require "core.request.route"

local CHAT = { name = "chat" }


local function endpoint(name, lacks)
  return { name = name, places = { chat = {} }, routes = { m = { of = name } }, lacks_feature = lacks or {} }
end


local function request(endpoints, client, features)
  return { surface = CHAT, model = "m", doc = { endpoints = endpoints },
           barred = route.barred(endpoints, client, features or {}) }
end


local function forbidden(name, lacks)
  local one = endpoint(name, lacks)
  one.is_forbidden = true
  return one
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

  it("does not exist where the data policy forbids it, for every client", function()
    local asked = request({ forbidden("a"), b }, {})
    assert.is_nil(route.of(asked, asked.doc.endpoints[1]))
    assert.truthy(route.of(asked, b))
    assert.is_nil(route.bar(asked))
  end)

  it("ends for requests in flight when a new document forbids the endpoint, and never comes back to them", function()
    local older = { endpoints = { endpoint("a"), endpoint("b"), endpoint("gone") } }
    local asked = request(older.endpoints, {})
    route.renew(older, { endpoints = { forbidden("a"), endpoint("b") } })
    assert.is_nil(route.of(asked, older.endpoints[1]))
    assert.truthy(route.of(asked, older.endpoints[2]))
    assert.truthy(route.of(asked, older.endpoints[3]))
    route.renew(older, { endpoints = { endpoint("a"), endpoint("b") } })
    assert.is_nil(route.of(asked, older.endpoints[1]))
  end)

  it("is prepared from the document", function()
    local doc = { endpoints = { { name = "a", lacks = {}, mode = "Forbidden" }, { name = "b", lacks = { "tools" }, mode = "Draining" },
                                { name = "c", lacks = {}, mode = "Forbidden" } } }
    route.prepare_endpoints(doc)
    assert.is_true(doc.endpoints[1].is_forbidden)
    assert.is_false(doc.endpoints[2].is_forbidden)
    assert.same({ tools = true }, doc.endpoints[2].lacks_feature)
    assert.is_true(doc.has_lacks)
    assert.equal("a c", doc.forbidden)
  end)

  local all_forbidden = {
    { "the policy alone", { forbidden("a"), forbidden("b") }, {}, {}, "policy" },
    { "the policy, and the client", { forbidden("a"), endpoint("b") }, { allowed = { a = true } }, {}, "client" },
    { "the policy, and a feature", { forbidden("a"), b }, {}, { "tools" }, "tools" },
    { "the policy, the client and a feature", { forbidden("a"), b, endpoint("c") }, { allowed = { b = true } },
      { "tools" }, "tools" },
  }
  for _, case in ipairs(all_forbidden) do
    it("is barred by " .. case[1], function()
      assert.equal(case[5], route.bar(request(case[2], case[3], case[4])))
    end)
  end

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
