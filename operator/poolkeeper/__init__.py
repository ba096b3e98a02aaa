"""Poolkeeper: keeps pools of DeepSeek inference endpoints answering.

The map, from the rim to the middle (imports point down only; `.importlinter` holds it so):

    cli                     the command line: one file a command
    handlers dashboard      what long commands do: the kopf shell in the cluster, a page in the browser
    diagnostics             what people ask about a pool: gathered, and put into words and tables
    kube local              two backends: the Kubernetes API, and the files of `poolkeeper run`
    prober routers          one run of the probe; the routers' admin port
    telemetry               metrics and logs
    reconcile               the order: gather, decide, apply, evaluate, publish
    migration               pure: another gateway's configuration becomes a pool
    status render           pure: status and conditions from facts; Kubernetes objects from a plan
    plan                    pure: a snapshot of what is declared becomes the router's document
    probing                 pure: what a probe asks, and what its answers mean
    providers               pure: what a provider's refusal means (the router's Lua is generated from it)
    api                     the contract: resources, router document, reasons, labels
    errors clock            errors by what the caller can do; the only now()
"""

__version__ = "0.1.0"
