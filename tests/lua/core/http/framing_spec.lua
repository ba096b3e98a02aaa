local framing = require "core.http.framing"

local function body(mode, left)
  return { mode = mode, buffer = "", left = left or 0, in_trailer = false, ended = false, keep = true }
end

-- Feeds the pieces one after the other; the payload, or nil and the error.
local function read(conn, pieces)
  local payload = ""
  for _, piece in ipairs(pieces) do
    conn.buffer = conn.buffer .. piece
    repeat
      local part, err = framing.take(conn)
      if not part then
        return nil, err
      end
      payload = payload .. part
    until part == ""
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
    ["a size with a sign"] = "+5\r\nhello\r\n", ["a size with a blank before it"] = " 5\r\nhello\r\n",
    ["a size with 0x"] = "0x5\r\nhello\r\n", ["no size at all"] = "\r\nhello\r\n", ["a huge size"] = "ffffffffffffffff5\r\nhi",
    ["a size of 4 GiB and a bit"] = "100000005\r\nhello\r\n", ["an extension without a size"] = ";x=1\r\nhello\r\n",
    ["a size line that ends too late"] = "5;" .. ("x"):rep(5000) .. "\r\nhello\r\n",
    ["a trailer that never ends"] = "0\r\nX: " .. ("x"):rep(5000), ["a bare LF behind the size"] = "5\nhello\r\n",
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

describe("what comes behind an end", function()
  for name, conn in pairs({
    ["a length"] = body("length", 2), ["chunks"] = body("chunked"), ["no body at all"] = body("none"),
  }) do
    it("of " .. name .. " goes nowhere, and its connection is not kept", function()
      local whole = { length = "hi", chunked = "2\r\nhi\r\n0\r\n\r\n", none = "" }
      conn.ended = conn.mode == "none"
      local got = read(conn, { whole[conn.mode], "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" })
      assert.equal(conn.mode == "none" and "" or "hi", got)
      assert.is_false(conn.keep)
      assert.equal("", conn.buffer)
    end)
  end
end)

it("the bytes before an error come out first", function()
  local conn = body("chunked")
  conn.buffer = "2\r\nhi\r\nxyz\r\n"
  assert.equal("hi", framing.take(conn))
  local payload, err = framing.take(conn)
  assert.is_nil(payload)
  assert.matches("no chunk size", err)
end)
