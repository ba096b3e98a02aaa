"""Poolkeeper: keeps pools of DeepSeek inference endpoints answering.

The map, from the rim to the middle (imports point down only; `.importlinter` holds it so):

    cli                     the command line
    handlers prober         what a command does: the kopf shell in the cluster, one run of the probe,
    dashboard                 a page in the browser
    kube upstream           the outside world: the Kubernetes API, the routers' /state,
    telemetry local           metrics and logs, and the file-backed world of `poolkeeper run`
    reconcile               the story: gather, decide, apply, observe, judge, publish
    judge render            pure: status and conditions from facts; Kubernetes objects from a plan
    plan                    pure: a snapshot of the declared world becomes the router's document
    probing                 pure: what a probe asks, and what its answers mean
    api                     the contract: resources, router document, reasons, labels
    errors clock            errors by what the caller can do; the only now()
"""

__version__ = "0.1.0"
