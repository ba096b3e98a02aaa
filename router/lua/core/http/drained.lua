-- May a router end now, without breaking a request? Decided from what is seen of its connections while each answer says
-- that its connection closes.

local _M = {}


-- seen: waited_ms (since the drain began), new_ms (since the last request on a new connection), used_ms (since anything was
-- asked or answered), busy (connections with a request), kept (connections without one). wanted: settle_ms, idle_ms,
-- limit_ms. New connections come as long as a list somewhere names this router, so it ends when none has come for settle_ms.
-- The caller of a kept connection does not know yet that it closes: the next answer says so, if the caller asks again within
-- idle_ms. A caller that asks more seldom finds it closed long before.
function _M.is_over(seen, wanted)
  if seen.waited_ms >= wanted.limit_ms then
    return true
  end
  if seen.busy > 0 or seen.new_ms < wanted.settle_ms then
    return false
  end
  return seen.kept == 0 or seen.used_ms >= wanted.idle_ms
end


local LONGEST_S = 3600


-- What is wanted, from the arguments of a query, in seconds; nil and what is wrong.
function _M.wanted(args)
  local wanted = {}
  for name, default in pairs({ settle = 5, idle = 10, limit = 600 }) do
    local seconds = args[name] == nil and default or tonumber(args[name])
    if not seconds or not (seconds >= 0 and seconds <= LONGEST_S) then
      return nil, ("%s is '%s', wanted seconds from 0 to %d"):format(name, tostring(args[name]):sub(1, 32), LONGEST_S)
    end
    wanted[name .. "_ms"] = seconds * 1000
  end
  return wanted
end


return _M
