-- The last values of something, and which of them so many percent do not exceed.

local ceil = math.ceil
local max = math.max

local _M = {}
local recent = {}
recent.__index = recent

local KEPT = 200
local ENOUGH = 20 -- values before a percentile means anything
local FRESH = 16 -- values after which it is found anew: sorting for each request would cost more than it says


function _M.new()
  return setmetatable({ values = {}, last = 0, age = FRESH, found = nil }, recent)
end


function recent:add(value)
  self.last = self.last % KEPT + 1
  self.values[self.last] = value
  self.age = self.age + 1
end


-- nil while there are too few values.
function recent:percentile(percent)
  if #self.values < ENOUGH then
    return nil
  end
  if self.age >= FRESH or self.percent ~= percent then
    local sorted = {}
    for i = 1, #self.values do
      sorted[i] = self.values[i]
    end
    table.sort(sorted)
    self.found = sorted[max(1, ceil(#sorted * percent / 100))]
    self.age, self.percent = 0, percent
  end
  return self.found
end


return _M
