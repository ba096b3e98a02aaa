local address = require "core.http.address"

describe("an address", function()
  for kind, texts in pairs({
    ordinary = { "1.1.1.1", "10.96.0.10", "192.168.1.1", "172.16.0.1", "2606:4700::1111", "fd00::1", "::ffff:8.8.8.8", "64:ff9b::808:808" },
    loopback = { "127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1",
                 "64:ff9b::7f00:1", "2002:7f00:1::" },
    unspecified = { "0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0" },
    ["link-local"] = { "169.254.169.254", "169.254.1.1", "fe80::1", "febf::1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe" },
    metadata = { "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "FD00:EC2:0::254" },
    multicast = { "224.0.0.1", "255.255.255.255", "ff02::1" },
  }) do
    for _, text in ipairs(texts) do
      it(text .. " is " .. kind, function()
        assert.equal(kind, (address.kind(text)))
      end)
    end
  end

  for _, text in ipairs({ "", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "1.2.3.4.5", "256.1.1.1", "1.2.3", ":",
                          ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::12345", "::g", "[::1]", "::1%lo", "1.1.1.1 " }) do
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
