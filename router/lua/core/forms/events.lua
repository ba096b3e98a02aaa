-- The events of a stream on their way into a whole answer: each is read for its members, but one that differs from a learned
-- one only in its text (core/answer/frame.lua) adds that text where the learned one did.

local sub = string.sub

local frame = require "core.answer.frame"
local sse = require "core.answer.sse"

local fits = frame.fits

local _M = {}


-- assembly: {frame, target (core/forms/pieces.lua), size}. text: whole events. read(assembly, data, event): what one says.
function _M.add(assembly, text, read)
  local pos, length, has_cr = 1, #text, sse.has_cr(text)
  while pos <= length do
    local stop, next_pos = sse.boundary(text, pos, true, has_cr)
    stop = stop or length
    local first, last = fits(assembly.frame, text, pos, stop)
    if first then
      assembly.target:add(sub(text, first, last))
      assembly.size = assembly.size + last - first + 1
    else
      local event = sub(text, pos, stop)
      local data = sse.data(event)
      if data and data ~= "" then
        read(assembly, data, event)
      end
    end
    pos = next_pos or length + 1
  end
end


-- From now on, events like this one add to target. said: the member that holds the text -> its JSON text, without quotes.
function _M.learn(assembly, event, said, keys, target)
  if frame.learn(assembly.frame, event, said, keys) then
    assembly.target = target
  end
end


return _M
