local recent = require "core.balancing.percentile"

local function of(...)
  local made = recent.new()
  for _, value in ipairs({ ... }) do
    made:add(value)
  end
  return made
end

local function numbers(count)
  local made = recent.new()
  for value = 1, count do
    made:add(value)
  end
  return made
end

describe("recent values", function()
  it("say nothing while they are few", function()
    assert.is_nil(of(1, 2, 3):percentile(95))
  end)

  it("know what so many percent of them do not exceed", function()
    assert.same({ 50, 95, 100, 1 }, { numbers(100):percentile(50), numbers(100):percentile(95),
                                      numbers(100):percentile(100), numbers(100):percentile(0) })
  end)

  it("forget the oldest", function()
    assert.equal(801, numbers(1000):percentile(0))
  end)

  it("notice within some values that the world has changed", function()
    local made = numbers(40)
    made:percentile(50)
    for _ = 1, 60 do
      made:add(1000)
    end
    assert.equal(1000, made:percentile(50))
  end)
end)
