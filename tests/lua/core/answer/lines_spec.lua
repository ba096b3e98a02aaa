local cjson = require "cjson.safe"
local chunk = require "core.answer.chunk"
local lines = require "core.answer.lines"
local stream = require "core.answer.stream"

local PIECE = '{"id":"x","choices":[{"index":0,"delta":{"content":"%s"}}]}'
local STOP = '{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'


local function read(pieces, final)
  local events, out, ended = stream.new(chunk.new(cjson.decode), true), "", nil
  for _, piece in ipairs(pieces) do
    local text, _, kind = events:feed(piece, false)
    out, ended = out .. text, ended or kind
  end
  if final then
    local text, _, kind = events:feed("", true)
    out, ended = out .. text, ended or kind
  end
  return out, ended
end


describe("events that end at the end of a line", function()
  local line = "data: " .. PIECE:format("a") .. "\n"
  local rest = "data: " .. STOP .. "\ndata: [DONE]\n"
  local want = line .. "\n" .. "data: " .. STOP .. "\n\ndata: [DONE]\n\n"

  it("are passed on with an empty line behind each, however they are torn", function()
    for size = 1, 200, 13 do
      local all, pieces = line .. rest, {}
      for at = 1, #all, size do
        pieces[#pieces + 1] = all:sub(at, at + size - 1)
      end
      local out, ended = read(pieces)
      assert.equal(want, out)
      assert.equal(chunk.DONE, ended)
    end
  end)

  it("are known as soon as the second one begins", function()
    assert.equal(line .. "\n", (read({ line .. "d" })))
  end)

  it("are not known by an event that is still to end", function()
    assert.equal("", (read({ line })))
    assert.equal(line .. "\n", (read({ line, "\n" })))
  end)

  it("may come among others", function()
    local out, ended = read({ line .. "\n" .. line .. "data: " .. STOP .. "\n\ndata: [DONE]\n\n" })
    assert.equal(line .. "\n" .. want, out)
    assert.equal(chunk.DONE, ended)
  end)

  it("may be the last, which nothing ends", function()
    for _, stop in ipairs({ "", "\n", "\r\n" }) do
      local out = read({ line .. "\ndata: " .. STOP .. stop }, true)
      assert.equal(line .. "\ndata: " .. STOP .. "\n\n", out)
    end
    assert.equal(line .. "\n", (read({ line .. '\ndata: {"id":"x","choi' }, true)))
  end)

  it("may have the name of their field twice", function()
    assert.equal(line .. "\n", (read({ "data: " .. line .. "\n" })))
  end)

  it("are none where the data are one value of several lines", function()
    local whole = 'data: {"id":"x","choices":[{"index":0,\ndata: "delta":{"content":"a"}}]}\n\n'
    assert.equal(whole, (read({ whole })))
  end)
end)


describe("lines of JSON", function()
  local first = PIECE:format("a")

  it("become events", function()
    local out = read({ first .. "\n" .. STOP, "\n" }, true)
    assert.equal("data: " .. first .. "\n\ndata: " .. STOP .. "\n\n", out)
  end)

  it("are known by their type, by the second line, or by what only a piece has", function()
    assert.is_true(lines.are_json('{"a', "application/x-ndjson"))
    assert.is_true(lines.are_json('{"a":1}\n{"', "application/json"))
    assert.is_true(lines.are_json(first .. "\n", nil))
  end)

  it("are none where a whole answer comes, and a line end behind it", function()
    assert.is_false(lines.are_json('{"choices":[{"message":{"content":"\\"delta\\""}}]}\n', "application/json"))
    assert.is_false(lines.are_json('{\n  "choices": []\n}\n', "application/json"))
    assert.is_false(lines.are_json('{"choices":[', nil))
  end)
end)
