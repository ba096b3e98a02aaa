local wanted, is_known = actionParams and actionParams["endpoint"] or "", false
for _, endpoint in ipairs(obj.spec.endpoints) do
  is_known = is_known or endpoint.name == wanted
end
if not is_known then
  error("seen endpoint '" .. wanted .. "', which the pool does not have; name one of spec.endpoints")
end
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["poolkeeper.dev/drain-" .. wanted] = "true"
return obj
