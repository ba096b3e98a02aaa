local os = require("os") -- Argo CD has it only so
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["poolkeeper.dev/failover-to"] = nil
obj.metadata.annotations["poolkeeper.dev/failed-back-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
