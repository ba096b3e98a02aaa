"""One router Pod at a time may be evicted, whatever their number.

maxUnavailable rather than minAvailable, so that it is right for every number of replicas: with one replica a node can
still be drained, and the budget never has to be taken away again when the pool is scaled down.
"""

from poolkeeper.plan.child_names import selector
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.metadata import metadata


def poddisruptionbudget(snapshot: Snapshot) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(snapshot),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": selector(snapshot.key)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
