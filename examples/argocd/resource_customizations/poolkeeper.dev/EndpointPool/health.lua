local health = { status = "Progressing", message = "The operator has not processed this version yet." }
local conditions = {}
for _, condition in ipairs(obj.status and obj.status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready, failover = conditions.Ready, conditions.FailoverActive
if ready == nil or (ready.observedGeneration or 0) < (obj.metadata.generation or 0) then
  return health
end
health.message = ready.reason .. ": " .. ready.message
if ready.status == "True" then
  health.status = "Healthy"
  if failover and failover.status == "True" then
    health.message = failover.reason .. ": " .. failover.message
  end
elseif ready.reason == "ReconcilePaused" then
  health.status = "Suspended"
elseif ready.status == "False" and ready.reason ~= "RolloutInProgress" then
  health.status = "Degraded"
end
return health
