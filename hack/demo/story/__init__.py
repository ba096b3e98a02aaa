"""The story of a failing provider and its rescue, on this machine (`make try`) or on a cluster (`make up`).

script         what fails, and what must hold
local_stage    two scripted providers and `poolkeeper run` on this machine
cluster_stage  the demo pool on a Kubernetes
question       one streamed question with the openai SDK
patience       waiting with a limit
"""
