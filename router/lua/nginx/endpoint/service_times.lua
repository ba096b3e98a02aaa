-- Since when does each endpoint take traffic, and was it asleep before?

local clock = require "nginx.shared.clock"
local standby = require "core.request.cold_standby"

local _M = {}


local function is_in_service(endpoint)
  return endpoint.mode == "Active" and endpoint.weight > 0
end


-- in_service_since_ms, for its slow start: 0 from the first document on, later when it came or was undrained. woke_ms: the
-- same of a cold standby that this worker has seen asleep; nil for all others.
function _M.begin(doc, before)
  local known, woke = {}, {}
  for _, endpoint in ipairs(before and before.endpoints or {}) do
    if is_in_service(endpoint) then
      known[endpoint.id], woke[endpoint.id] = endpoint.in_service_since_ms, endpoint.woke_ms
    elseif standby.comes(endpoint.mode) then
      woke[endpoint.id] = clock.now_ms()
    end
  end
  for _, endpoint in ipairs(doc.endpoints) do
    endpoint.in_service_since_ms = known[endpoint.id] or before and clock.now_ms() or 0
    endpoint.woke_ms = is_in_service(endpoint) and woke[endpoint.id] or nil
  end
end


return _M
