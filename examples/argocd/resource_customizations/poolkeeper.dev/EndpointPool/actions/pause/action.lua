obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["poolkeeper.dev/paused"] = "true"
return obj
