-- The tier that is asked for, or the next one below the tier that serves.
local given = actionParams and actionParams["tier"] or ""
local tiers, wanted = {}, tonumber(given)
for _, endpoint in ipairs(obj.spec.endpoints) do
  tiers[endpoint.tier or 0] = true
end
if given == "" then
  local serving = obj.status and obj.status.activeTier or 0
  for tier in pairs(tiers) do
    if tier > serving and (wanted == nil or tier < wanted) then
      wanted = tier
    end
  end
end
if wanted == nil or not tiers[wanted] then
  error("seen tier " .. tostring(wanted or given) .. ", which no endpoint of the pool has; name another tier")
end
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["poolkeeper.dev/failover-to"] = tostring(wanted)
return obj
