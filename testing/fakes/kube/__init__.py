"""A small Kubernetes API server: `objects` what it stores, `server` how it speaks, `hostile` how it lies on demand."""
