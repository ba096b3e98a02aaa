-- How long a pause in a stream may last before it counts as stalled, by the pauses that this very stream has made: FACTOR
-- times the median of the last ones, and never less than LEAST_MS. nil while too few are known.

local _M = {}
local pace = {}
pace.__index = pace

local PAUSES_MAX = 32
local PAUSES_MIN = 16
local LOOKED_AT_EACH = 8 -- pauses: to sort them costs more than a piece of an answer should
local FACTOR = 20
local LEAST_MS = 5000


-- pauses: the last ones, in a ring; count: all so far
function _M.new()
  return setmetatable({ pauses = {}, count = 0, last_ms = nil, bound_ms = nil }, pace)
end


local function median(pauses)
  local sorted = {}
  for i = 1, #pauses do
    sorted[i] = pauses[i]
  end
  table.sort(sorted)
  return sorted[math.ceil(#sorted / 2)]
end


-- Content came. Gives the longest time until the next.
function pace:moved(now_ms)
  if self.last_ms then
    self.pauses[self.count % PAUSES_MAX + 1] = now_ms - self.last_ms
    self.count = self.count + 1
    if self.count >= PAUSES_MIN and self.count % LOOKED_AT_EACH == 0 then
      self.bound_ms = math.max(LEAST_MS, FACTOR * median(self.pauses))
    end
  end
  self.last_ms = now_ms
  return self.bound_ms
end


return _M
