local form = require "core.answer.form"

describe("the form of an answer", function()
  for _, case in ipairs({
    { '{"id"', nil, form.WHOLE }, { "[1]", "text/event-stream", form.WHOLE }, { "<html>", nil, form.WHOLE },
    { "data: {", "application/json", form.STREAM }, { "event: x", nil, form.STREAM }, { ": busy", "text/plain", form.STREAM },
    { "id:7\n", nil, form.STREAM }, { "retry: 3", nil, form.STREAM }, { "dat", nil, nil }, { "e", "application/json", nil },
    { "date: x", nil, form.WHOLE }, { "hello", "text/event-stream; charset=utf-8", form.STREAM },
  }) do
    it(("of %q, called %s, is %s"):format(case[1], tostring(case[2]), tostring(case[3])), function()
      assert.equal(case[3], form.of(case[1], case[2]))
    end)
  end
end)
