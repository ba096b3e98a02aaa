-- Sets of dates: spans of days since 1970, {first_day, last_day}, in order and apart.

local floor = math.floor

local _M = {}


-- A set of spans in any order.
function _M.set(spans)
  local all, set = {}, {}
  for i, span in ipairs(spans) do
    all[i] = span
  end
  table.sort(all, function(one, other) return one.first_day < other.first_day end)
  for _, span in ipairs(all) do
    local last = set[#set]
    if last and span.first_day <= last.last_day + 1 then
      last.last_day = math.max(last.last_day, span.last_day)
    else
      set[#set + 1] = { first_day = span.first_day, last_day = span.last_day }
    end
  end
  return set
end


function _M.has(set, day)
  local low, high = 1, #set
  while low <= high do
    local middle = floor((low + high) / 2)
    if day < set[middle].first_day then
      high = middle - 1
    elseif day > set[middle].last_day then
      low = middle + 1
    else
      return true
    end
  end
  return false
end


-- Has any of these sets the day?
function _M.any(sets, day)
  for i = 1, #sets do
    if _M.has(sets[i], day) then
      return true
    end
  end
  return false
end


return _M
