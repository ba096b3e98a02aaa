package.path = "tests/lua/?.lua;" .. package.path

local api_key = require "core.http.api_key"
local vectors = require("support").vectors

describe("the API key of a file", function()
  for _, case in ipairs(vectors("api_keys").cases) do
    it("with " .. case.name, function()
      local times = case.times or 1
      assert.equal(case.key and case.key:rep(times), api_key.of(case.text:rep(times)))
    end)
  end
end)
