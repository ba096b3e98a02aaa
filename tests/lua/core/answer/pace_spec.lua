local pace = require "core.answer.pace"

-- Pauses one after the other; gives the last bound.
local function after(...)
  local stream, now_ms, bound_ms = pace.new(), 1000, nil
  stream:moved(now_ms)
  for _, run in ipairs({ ... }) do
    for _ = 1, run[1] do
      now_ms = now_ms + run[2]
      bound_ms = stream:moved(now_ms)
    end
  end
  return bound_ms
end

describe("the pace of a stream", function()
  for _, case in ipairs({
    { "is not known at its start", { { 15, 100 } }, nil },
    { "is known after sixteen pauses", { { 16, 1000 } }, 20000 },
    { "never asks for less than five seconds", { { 16, 20 } }, 5000 },
    { "is not moved by single long pauses", { { 30, 500 }, { 1, 25000 }, { 9, 500 } }, 10000 },
    { "follows a stream that gets slower", { { 32, 100 }, { 32, 2000 } }, 40000 },
    { "follows a stream that gets faster", { { 32, 2000 }, { 32, 300 } }, 6000 },
  }) do
    it(case[1], function()
      assert.equal(case[3], after(unpack(case[2])))
    end)
  end
end)
