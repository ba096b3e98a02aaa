-- The endpoint that is named, or all.
local wanted = actionParams and actionParams["endpoint"] or ""
for _, endpoint in ipairs(obj.spec.endpoints) do
  if obj.metadata.annotations and (wanted == "" or wanted == endpoint.name) then
    obj.metadata.annotations["poolkeeper.dev/drain-" .. endpoint.name] = nil
  end
end
return obj
