local redaction = require "core.error.redaction"

local KEY = "sk-canary/7f3a+Kx=9"
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
  local out = {}
  for i = 1, #text, 3 do
    local a, b, c = text:byte(i, i + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    for place = 0, 3 do
      local six = math.floor(bits / 64 ^ (3 - place)) % 64
      out[#out + 1] = (place < 2 or place == 2 and b or c) and ALPHABET:sub(six + 1, six + 1) or "="
    end
  end
  return table.concat(out)
end

local function hidden(text)
  return redaction.hide(text, redaction.forms(KEY, base64))
end

local function escaped(text)
  return (text:gsub(".", function(character) return ("\\u%04X"):format(character:byte()) end))
end

describe("a key that an endpoint says back is taken out", function()
  for _, case in ipairs({
    { "as it is", "key: " .. KEY .. ".", "key: ***." },
    { "as often as it is there", KEY .. " " .. KEY .. KEY, "*** ******" },
    { "in percent-encoding", "?k=sk-canary%2F7f3a%2BKx%3d9&b", "?k=***&b" },
    { "with escaped slashes", '"sk-canary\\/7f3a+Kx=9"', '"***"' },
    { "with characters that HTML escapes", '"sk-canary/7f3a\\u002bKx\\u003D9"', '"***"' },
    { "with every character escaped", '"' .. escaped(KEY) .. '"', '"***"' },
    { "at the end of the text, half of it not", KEY .. KEY:sub(1, -2), "***" .. KEY:sub(1, -2) },
  }) do
    it(case[1], function() assert.equal(case[3], hidden(case[2])) end)
  end

  for before = 0, 5 do
    for after = 0, 4 do
      it(("in base64, with %d bytes before it and %d after"):format(before, after), function()
        local text = base64(("x"):rep(before) .. KEY .. ("y"):rep(after))
        assert.truthy(hidden(text):find("***", 1, true))
        assert.truthy(hidden((text:gsub("+", "-"):gsub("/", "_"))):find("***", 1, true))
        assert.truthy(hidden((text:gsub("/", "\\/"))):find("***", 1, true))
      end)
    end
  end

  it("in hex", function()
    local hex = KEY:gsub(".", function(character) return ("%02x"):format(character:byte()) end)
    assert.equal("x***y", hidden("x" .. hex .. "y"))
    assert.equal("x***y", hidden("x" .. hex:upper() .. "y"))
  end)
end)

describe("a text", function()
  it("without it stays as it is", function()
    local text = '{"error":{"message":"100 % wrong \\u00e4 \\\\ sk-canary sk-canary/7f3a"}}'
    assert.equal(text, hidden(text))
  end)

  it("keeps its words when the key is as short as a word", function()
    assert.same({}, redaction.forms("model", base64))
    assert.equal("the model", redaction.hide("the model", redaction.forms("model", base64)))
  end)

  it("that begins the key again and again takes a time that grows with it", function()
    local function steps(size)
      local count = 0
      debug.sethook(function() count = count + 1 end, "", 1000)
      hidden(("sk-canary/7f3a+Kx="):rep(size))
      debug.sethook()
      return count
    end
    jit.off()
    local small, large = steps(200), steps(800)
    jit.on()
    assert.is_true(large < 6 * small)
  end)
end)
