local ffi = require "ffi"
local found, digest = pcall(function()
  pcall(ffi.load, "crypto", true) -- nginx has it loaded; a bare LuaJIT has not
  pcall(ffi.load, "libcrypto.so.3", true)
  return require "nginx.shared.digest"
end)

describe("the digest of a text", function()
  it("is SHA-256", function()
    if not found then
      return pending("no libcrypto here to load")
    end
    local context, another = digest.new(), digest.new()
    digest.add(context, "xabx", 2, 3)
    digest.add(another, "x", 1, 1)
    digest.add(context, "c", 1, 1)
    local hex = digest.finish(context):gsub(".", function(char) return ("%02x"):format(char:byte()) end)
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hex)
  end)
end)
