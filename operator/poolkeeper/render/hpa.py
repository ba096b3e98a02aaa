"""The number of routers follows their CPU use, with spec.router.autoscaling.

It scales the pool, not the Deployment: the pool's replicas stay the one number that says how many routers there are,
for connection shares, conditions and `kubectl scale` alike, 0 still stops the pool, and a Deployment never loses the
count that it runs with when autoscaling is switched on (what a server-side apply leaves out falls back to 1).
"""

from poolkeeper.api.base import API_VERSION
from poolkeeper.api.router_spec import Autoscaling
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.metadata import metadata


def hpa(snapshot: Snapshot, wanted: Autoscaling) -> Manifest:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(snapshot),
        "spec": {
            "scaleTargetRef": {"apiVersion": API_VERSION, "kind": "EndpointPool", "name": snapshot.key.name},
            "minReplicas": wanted.min_replicas,
            "maxReplicas": wanted.max_replicas,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": wanted.target_cpu_percent},
                    },
                }
            ],
        },
    }
