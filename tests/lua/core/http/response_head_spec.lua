package.path = "tests/lua/?.lua;" .. package.path

local head = require "core.http.response_head"
local support = require "support"

local function connection()
  return { buffer = "", head = "", mode = "none", left = 0, in_trailer = false, ended = false, keep = false }
end

describe("a head", function()
  for _, case in ipairs(support.own_vectors("heads").cases) do
    it("says: " .. case.name, function()
      local conn = connection()
      local status, err = head.take(conn, case.head .. (case.after or ""), #case.head)
      if case.want.error then
        assert.is_nil(status)
        assert.truthy(err:find("reading the head: " .. case.want.error, 1, true), err)
        return
      end
      assert.equal(case.want.status, status)
      if status > 0 then
        assert.equal(case.want.mode, conn.mode)
        assert.equal(case.want.left or 0, conn.left)
        assert.equal(case.want.keep, conn.keep)
        assert.equal(case.want.ended or false, conn.ended)
      end
      assert.equal(case.after or "", conn.buffer)
    end)
  end

  it("gives its headers without the blanks around them", function()
    local conn = connection()
    local text = "HTTP/1.1 200 OK\r\nRetry-After: \t 7 \t\r\nEmpty:\r\nContent-Length: 0\r\n\r\nRetry-Before: 8\r\n"
    head.take(conn, text, (text:find("\r\n\r\n", 1, true)) + 3)
    assert.equal("7", (head.value(conn, "retry-after")))
    assert.equal("", (head.value(conn, "empty")))
    assert.is_nil((head.value(conn, "retry-before")))
    assert.is_nil((head.value(conn, "after")))
  end)
end)
