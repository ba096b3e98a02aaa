local health = { status = "Progressing", message = "The operator has not processed this version yet." }
for _, condition in ipairs(obj.status and obj.status.conditions or {}) do
  if condition.type == "Accepted" and (condition.observedGeneration or 0) >= (obj.metadata.generation or 0) then
    health.message = condition.reason .. ": " .. condition.message
    if condition.status == "True" then
      health.status = "Healthy"
    elseif condition.status == "False" then
      health.status = "Degraded"
    end
  end
end
return health
