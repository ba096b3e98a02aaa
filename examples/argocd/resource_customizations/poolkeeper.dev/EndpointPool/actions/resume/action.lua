if obj.metadata.annotations then
  obj.metadata.annotations["poolkeeper.dev/paused"] = nil
end
return obj
