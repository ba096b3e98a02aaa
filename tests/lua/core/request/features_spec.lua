local features = require "core.request.features"

describe("a feature of a request", function()
  it("is known by the body's members, not by its text", function()
    assert.same({ "tools", "schema" }, features.of('{"tools":[],"response_format":{"type":"json_object"}}'))
    assert.same({}, features.of('{"messages":[{"role":"user","content":"say \\"tools\\" and image_url"}]}'))
  end)

  for _, case in ipairs({
    { '{"tools":[]}', "tools param requires --jinja flag", "tools" },
    { '{"tools":[]}', '"auto" tool choice requires --enable-auto-tool-choice', "tools" },
    { '{"type":"image_url","image_url":1}', "image input is not supported - hint: mmproj", "images" },
    { '{"type":"image_url","image_url":1}', "x is not a multimodal model", "images" },
    { '{"response_format":{}}', "This response_format type is unavailable now", "schema" },
    { '{"tools":[]}', "image input is not supported" },
    { '{"tools":[]}', "Thinking mode does not support this tool_choice" },
    { '{"messages":[]}', "tools param requires --jinja flag" },
  }) do
    it((case[3] or "none") .. " is refused by: " .. case[2], function()
      assert.equal(case[3], (features.refused(case[1], case[2])))
    end)
  end
end)

describe("a feature far down a long body", function()
  it("is found wherever it stands, also across two slices", function()
    for _, at in ipairs({ 1, 262140, 262150, 600000 }) do
      local body = '{"a":"' .. ("x"):rep(at) .. '","tools":[]}'
      assert.same({ "tools" }, features.of(body, function() end))
    end
  end)

  it("is looked for in slices", function()
    local pauses = 0
    features.of(("x"):rep(1048576), function() pauses = pauses + 1 end)
    assert.equal(4, pauses)
  end)
end)
