local standby = require "core.request.cold_standby"

local function one(name, tier, mode, serves)
  return { name = name, tier = tier, mode = mode, serves = serves or false }
end


describe("a cold standby", function()
  it("is waited for while it wakes, rather than a tier below is asked", function()
    local all = { one("a", 0, "Active"), one("b", 1, "Waking"), one("c", 2, "Active", true) }
    assert.equal("b", standby.awaited(all, 2))
    assert.equal("b", standby.awaited(all, nil))
  end)

  it("is not waited for where a better tier, or its own, has a candidate", function()
    local all = { one("a", 0, "Active", true), one("b", 1, "Waking"), one("b2", 1, "Active", true) }
    assert.is_nil(standby.awaited(all, 0))
    assert.is_nil(standby.awaited(all, 1))
  end)

  it("that sleeps is waited for only where nothing above serves, so that it will be woken", function()
    assert.equal("b", standby.awaited({ one("a", 0, "Active"), one("b", 1, "Asleep") }, nil))
    assert.equal("b", standby.awaited({ one("b", 1, "Asleep"), one("c", 2, "Active", true) }, 2))
    -- a was only asked by this request and failed it: others still go there
    assert.is_nil(standby.awaited({ one("a", 0, "Active", true), one("b", 1, "Asleep") }, nil))
  end)

  it("is that of the best tier", function()
    assert.equal("b", standby.awaited({ one("c", 2, "Waking"), one("b", 1, "Asleep") }, nil))
    assert.is_nil(standby.awaited({ one("a", 0, "Active", true), one("b", 1, "Asleep"), one("c", 2, "Active") }, 2))
  end)

  it("that nobody wakes is not waited for", function()
    for _, mode in ipairs({ "ScaledToZero", "Disabled", "Draining", "Forbidden" }) do
      assert.is_nil(standby.awaited({ one("b", 1, mode) }, nil))
      assert.is_false(standby.comes(mode))
    end
  end)

  it("wakes and falls asleep for requests in flight; no other change of a mode does", function()
    assert.is_true(standby.concerns("Asleep", "Waking"))
    assert.is_true(standby.concerns("Waking", "Active"))
    assert.is_true(standby.concerns("Draining", "Asleep"))
    assert.is_true(standby.concerns("ScaledToZero", "Active"))
    assert.is_false(standby.concerns("Active", "Draining"))
    assert.is_false(standby.concerns("Disabled", "Active"))
    assert.is_false(standby.concerns("Forbidden", "Active"))
    assert.is_false(standby.concerns("Asleep", "Forbidden"))
    assert.is_false(standby.concerns("Active", "Active"))
  end)

  describe("that has just been woken", function()
    local refused = { class = "Connect", reason = "ConnectFailed" }

    it("is not up yet while connections fail, or while it loads its model", function()
      assert.is_true(standby.is_not_up(1000, refused, 30999))
      assert.is_true(standby.is_not_up(1000, { class = "Busy", reason = "ModelLoading" }, 1000))
    end)

    it("is at fault in any other way, later, or where it never slept", function()
      assert.is_false(standby.is_not_up(1000, { class = "Busy", reason = "Busy" }, 1000))
      assert.is_false(standby.is_not_up(1000, { class = "ServerError" }, 1000))
      assert.is_false(standby.is_not_up(1000, refused, 31000))
      assert.is_false(standby.is_not_up(nil, refused, 1000))
    end)
  end)
end)
