local annotations = obj.metadata.annotations or {}
local endpoints, drained = 0, 0
for _, endpoint in ipairs(obj.spec and obj.spec.endpoints or {}) do
  endpoints = endpoints + 1
  if annotations["poolkeeper.dev/drain-" .. endpoint.name] == "true" then
    drained = drained + 1
  end
end
local is_paused = annotations["poolkeeper.dev/paused"] == "true"

local actions = {}
actions["pause"] = { ["disabled"] = is_paused }
actions["resume"] = { ["disabled"] = not is_paused }
actions["failover"] = { ["disabled"] = false, ["params"] = { { ["name"] = "tier" } } }
actions["failback"] = { ["disabled"] = false }
actions["drain"] = { ["disabled"] = drained == endpoints, ["params"] = { { ["name"] = "endpoint" } } }
actions["undrain"] = { ["disabled"] = drained == 0, ["params"] = { { ["name"] = "endpoint" } } }
return actions
