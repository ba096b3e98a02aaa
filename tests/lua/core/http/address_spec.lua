package.path = "tests/lua/?.lua;" .. package.path

local address = require "core.http.address"
local vectors = require("support").vectors

describe("an address", function()
  local known = vectors("addresses")

  for _, case in ipairs(known.addresses) do
    it(case.address .. " is " .. case.kind, function()
      assert.equal(case.kind, address.kind(case.address))
    end)
  end

  for _, text in ipairs(known.none) do
    it("'" .. text .. "' is none", function()
      assert.is_nil(address.kind(text))
    end)
  end

  it("may be connected to when it is ordinary, or loopback where that is allowed", function()
    assert.is_true(address.permitted("1.1.1.1", false))
    assert.is_true(address.permitted("127.0.0.1", true))
    for _, text in ipairs({ "169.254.169.254", "0.0.0.0", "::", "fd00:ec2::254", "224.0.0.1", "x" }) do
      local ok, err = address.permitted(text, true)
      assert.is_nil(ok)
      assert.truthy(err:find("address refused", 1, true))
    end
    assert.is_nil(address.permitted("127.0.0.1", false))
  end)
end)
