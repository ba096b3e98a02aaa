-- Reading mounted files: whole, bounded, and at no price that outlives the reading.

local files = require "nginx.shared.files"

describe("a mounted file", function()
  local path

  local function holding(text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    return path
  end

  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  it("is read whole", function()
    assert.equal("sk-one", files.read(holding("sk-one")))
    assert.equal(("x"):rep(100000), files.read(holding(("x"):rep(100000))))
    assert.equal("a\0b\r\n", files.read(holding("a\0b\r\n")))
  end)

  it("that is empty or missing is reported, with its path", function()
    local text, err = files.read(holding(""))
    assert.is_nil(text)
    assert.equal(path .. ": is empty", err)
    text, err = files.read(path .. ".no")
    assert.is_nil(text)
    assert.matches("No such file", err)
  end)

  it("leaves no buffer behind that is much larger than itself", function()
    holding("sk-one")
    collectgarbage()
    collectgarbage("stop")
    local before_kib = collectgarbage("count")
    for _ = 1, 10 do
      files.read(path)
    end
    local grown_kib = collectgarbage("count") - before_kib
    collectgarbage("restart")
    assert.is_true(grown_kib < 1024, grown_kib .. " KiB")
  end)
end)
