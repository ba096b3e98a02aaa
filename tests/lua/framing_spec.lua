local framing = require "pool.framing"

local function body(mode, left)
  return { mode = mode, buffer = "", left = left or 0, in_trailer = false, ended = false, keep = true }
end

-- Feeds the pieces one after the other; the payload, or nil and the error.
local function read(conn, pieces)
  local payload = ""
  for _, piece in ipairs(pieces) do
    conn.buffer = conn.buffer .. piece
    local part, err = framing.take(conn)
    if not part then
      return nil, err
    end
    payload = payload .. part
  end
  return payload
end

local CHUNKED = "5\r\nhello\r\n1;ext=1\r\n \r\nB\r\nwide world!\r\n0\r\nX-Trailer: 1\r\n\r\n"

describe("a chunked body", function()
  it("is the same however it is split", function()
    for cut = 1, #CHUNKED - 1 do
      local conn = body("chunked")
      assert.equal("hello wide world!", read(conn, { CHUNKED:sub(1, cut), CHUNKED:sub(cut + 1) }))
      assert.is_true(conn.ended)
    end
  end)

  it("may come byte by byte", function()
    local conn, pieces = body("chunked"), {}
    for i = 1, #CHUNKED do
      pieces[i] = CHUNKED:sub(i, i)
    end
    assert.equal("hello wide world!", read(conn, pieces))
    assert.is_true(conn.ended)
  end)

  it("has not ended before its last chunk", function()
    local conn = body("chunked")
    read(conn, { "5\r\nhello\r\n" })
    assert.is_false(conn.ended)
  end)

  for name, wrong in pairs({
    ["a size that is none"] = "xyz\r\nhello\r\n", ["a chunk without its end"] = "5\r\nhelloXX",
    ["a negative size"] = "-5\r\nhello\r\n", ["a size line that never ends"] = ("1"):rep(5000),
  }) do
    it("is refused for " .. name, function()
      local payload, err = read(body("chunked"), { wrong })
      assert.is_nil(payload)
      assert.matches("^reading the body", err)
    end)
  end
end)

describe("a body of known length", function()
  it("ends with its last byte", function()
    local conn = body("length", 5)
    assert.equal("hello", read(conn, { "he", "llo" }))
    assert.is_true(conn.ended)
    assert.is_true(conn.keep)
  end)

  it("that goes on behind its end is cut there, and its connection is not kept", function()
    local conn = body("length", 5)
    assert.equal("hello", read(conn, { "hello, and more" }))
    assert.is_false(conn.keep)
  end)
end)
