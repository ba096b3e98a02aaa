-- Reasons to finish that are no end: the provider, or the one behind it, stopped the answer. DeepSeek ran out of machines,
-- an aggregator's provider failed ("error", "network_error"), a server gave the request up.

local find = string.find
local lower = string.lower

local CUTS = {
  insufficient_system_resource = true, abort = true, aborted = true, cancelled = true, canceled = true, timeout = true,
}


-- Is this such a reason? (finish_reason, or an aggregator's native_finish_reason beside a "stop" that hides it)
return function(reason)
  if type(reason) ~= "string" then
    return false
  end
  reason = lower(reason)
  return CUTS[reason] == true or find(reason, "error$") ~= nil
end
