-- Which pools a request has come through. A router that asks an endpoint of provider Poolkeeper names its pool in
-- x-poolkeeper-pools, behind those that the request has come through before, so that no request goes in a circle.

local concat = table.concat
local match = string.match
local lower = string.lower

local _M = {}

local HOPS_MAX = 8 -- pools in front of pools: nobody needs more, and a list that grows without end is a circle


-- given: the header as it came (nil, a text, or a list of texts); own: the id of this pool. The list as text (nil: the
-- request comes from no pool), and whether this pool is in it already, or it is too long.
function _M.of(given, own)
  if not given then
    return nil, false
  end
  local names, count, loops = {}, 0, false
  for part in (type(given) == "table" and concat(given, ",") or given):gmatch("[^,]+") do
    local name = match(part, "^%s*([%w%-]+)%s*$")
    if name and #name <= 64 then
      if count == HOPS_MAX then
        return concat(names, ", "), true
      end
      count = count + 1
      names[count] = lower(name)
      loops = loops or names[count] == own
    end
  end
  return count > 0 and concat(names, ", ") or nil, loops
end


-- The list for the next pool.
function _M.with(before, own)
  return before and before .. ", " .. own or own
end


return _M
