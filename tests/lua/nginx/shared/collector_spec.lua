local collector = require "nginx.shared.collector"


describe("the collector", function()
  it("waits until memory has grown fourfold where little is alive, and twofold where much is", function()
    assert.are.equal(700, collector.pause_percent(12 * 1024))
    assert.are.equal(200, collector.pause_percent(200 * 1024))
  end)

  it("has its pause set", function()
    local before = collectgarbage("setpause", 200)
    collector.tune()
    assert.are.equal(700, collectgarbage("setpause", before))
  end)
end)
