local cjson = require "cjson"
local buffer = require "string.buffer"
local line = require "core.log.line"

local function line_of(request)
  local out = buffer.new()
  line.put(out, request)
  return out:tostring()
end


local function request(changes)
  local one = {
    second = "2026-11-29T08:00:00", ms = 7.9, id = "r-1", trace = ("a"):rep(32), span = ("b"):rep(16), parent = nil,
    place = ',"pool":"team/chat","generation":3', client = "web", surface = "chat", model = "m", is_stream = true,
    status = 200, outcome = "ok", duration_ms = 12.7, first_token_ms = 3.2, queued_ms = 0, attempts = {},
  }
  for name, value in pairs(changes or {}) do
    one[name] = value
  end
  return one
end


-- An only attempt is given by itself.
local function with_one(attempt, changes)
  local one = request(changes)
  one.attempt, one.attempts = attempt, nil
  return one
end


describe("a line of the request log", function()
  it("is one JSON object with what is known", function()
    local said = line_of(request({ parent = "p", queued_ms = 7, fallback = "degraded", attempts = { {
      place = '"endpoint":"a","tier":0,"provider_model":"m"', span = "s", start_ms = 1, duration_ms = 2, status = 503,
      class = "Busy", first_token_ms = nil,
    } } }))
    assert.is_nil(said:find("\n"))
    local read = cjson.decode(said)
    assert.same({ "r-1", "team/chat", 3, "web", true, 12, 3, 7, "degraded", "p" },
                { read.request, read.pool, read.generation, read.client, read.stream, read.duration_ms,
                  read.first_token_ms, read.queued_ms, read.fallback, read.parent })
    assert.same({ { endpoint = "a", tier = 0, provider_model = "m", span = "s", start_ms = 1, duration_ms = 2,
                    status = 503, class = "Busy" } }, read.attempts)
  end)

  it("says the same of an only attempt as of one in a list", function()
    local attempt = { place = '"endpoint":"a"', span = "s", start_ms = 0, duration_ms = 2, status = 200 }
    assert.equal(line_of(request({ attempts = { attempt } })), line_of(with_one(attempt)))
    assert.same({ 200, 503 }, (function(said)
      return { said[1].status, said[2].status }
    end)(cjson.decode(line_of(request({ attempts = { attempt, { place = '"endpoint":"b"', span = "t", start_ms = 3,
                                                                duration_ms = 1, status = 503 } } }))).attempts))
  end)

  it("says when the caller records no trace", function()
    assert.is_nil(cjson.decode(line_of(request({ parent = "p" }))).sampled)
    assert.is_false(cjson.decode(line_of(request({ parent = "p", is_unsampled = true }))).sampled)
  end)

  it("has tokens and cost of each attempt", function()
    local said = cjson.decode(line_of(request({ attempts = { {
      place = '"endpoint":"a"', span = "s", start_ms = 0, duration_ms = 2, kind = "cut", cost = 0.0123456789,
      currency = "USD", is_estimated = true, counts = { input = 5, cached_input = 1, output = 7, reasoning = 2 },
    } } }))).attempts[1]
    assert.same({ input = 5, cached_input = 1, output = 7, reasoning = 2 }, said.tokens)
    assert.same({ "cut", true, "USD" }, { said.kind, said.estimated, said.currency })
    assert.is_true(math.abs(said.cost - 0.0123456789) < 1e-12)
  end)

  for name, hostile in pairs({
    quotes = '","admin":"yes', lines = 'a\r\n{"request":"other"}', controls = "\27[31m\0", bytes = "\255\254", long = ("x"):rep(5000),
  }) do
    it("stays one bounded line whatever it is given: " .. name, function()
      local said = line_of(request({ client = hostile, model = hostile, parent = hostile, attempts = { {
        place = '"endpoint":"a"', span = "s", start_ms = 0, duration_ms = 2, answered_by = hostile, fingerprint = hostile,
        provider = hostile,
      } } }))
      assert.is_nil(said:find("%c"))
      assert.is_true(#said < 2000)
      assert.is_nil(cjson.decode(said).admin)
    end)
  end

  it("is written for all that was not simply answered, and for a share of the rest", function()
    assert.is_true(line.is_wanted(100, true, 99.9))
    assert.is_true(line.is_wanted(10, true, 9.9))
    assert.is_false(line.is_wanted(10, true, 10))
    assert.is_true(line.is_wanted(10, false, 99))
    assert.is_false(line.is_wanted(0, false, 0))
  end)
end)
