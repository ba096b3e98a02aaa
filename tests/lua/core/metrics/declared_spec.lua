local declared = require "core.metrics.declared"
local families = require "core.metrics.families"
local series = require "core.metrics.series"

local function no_pause()
end


local function document(endpoints, models, clients)
  local doc = {
    endpoints = {}, models = {}, guard_policy = {}, policy = { queue = {} },
    access = { mode = clients and "Keys" or "Open", clients = {}, priorities = { 0, 1 } },
  }
  for m = 1, models do
    doc.models[m] = "model-" .. m
  end
  for e = 1, endpoints do
    local routes = {}
    for m = 1, models do
      routes[m] = { name = "model-" .. m }
    end
    doc.endpoints[e] = { name = "endpoint-" .. e, provider = "VLLM", models = routes, check_key = "x",
                         pricing = { currency = "USD" } }
  end
  for c = 1, clients or 0 do
    doc.access.clients[c] = { name = "client-" .. c }
  end
  return doc
end


local function names_of(doc)
  local seen, count, by_family = {}, 0, {}
  declared.each(doc, declared.bounds(doc), function(name)
    if not seen[name] then
      seen[name], count = true, count + 1
      local family = assert(series.family_of(name), name)
      by_family[family] = (by_family[family] or 0) + 1
    end
  end, no_pause)
  return seen, count, by_family
end


describe("the series of a document", function()
  it("are of every counter, histogram and summary", function()
    local _, _, by_family = names_of(document(2, 1))
    local missing = {}
    for family, one in pairs(families) do
      if one[1] ~= "gauge" and not by_family[family] then
        missing[#missing + 1] = family
      end
    end
    assert.same({}, missing)
  end)

  it("name each model and each client of a small pool", function()
    local seen = names_of(document(3, 2, 5))
    assert.is_true(seen['poolkeeper_upstream_errors_total{endpoint="endpoint-3",gen_ai_request_model="model-2",class="Busy"}'])
    assert.is_true(seen['poolkeeper_responses_total{model="model-2",client="client-5",outcome="cut"}'])
    assert.is_true(seen['poolkeeper_failovers_total{from="endpoint-1",to="endpoint-3",reason="Stalled"}'])
  end)

  it("of the largest pool are bounded: models, targets and late clients are others", function()
    local seen, count, by_family = names_of(document(32, 64, 10000))
    assert.is_true(count < 40000, count)
    for family, number in pairs(by_family) do
      assert.is_true(number <= 6000, family .. " " .. number)
    end
    assert.is_true(seen['poolkeeper_upstream_errors_total{endpoint="endpoint-3",gen_ai_request_model="other",class="Busy"}'])
    assert.is_true(seen['poolkeeper_failovers_total{from="endpoint-1",to="other",reason="Stalled"}'])
    assert.is_true(seen['poolkeeper_responses_total{model="model-2",client="other",outcome="cut"}'])
    assert.is_true(seen['poolkeeper_attempts_total{endpoint="endpoint-32",gen_ai_request_model="model-64"}'])
  end)

  it("grow no faster than a pool", function()
    local _, small = names_of(document(8, 8))
    local _, large = names_of(document(16, 8))
    assert.is_true(large < 2.5 * small, ("%d, %d"):format(small, large))
  end)
end)
