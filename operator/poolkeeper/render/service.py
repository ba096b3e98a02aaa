"""The Service in front of the routers: the client port only. The operator asks each Pod's admin port directly."""

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.plan.child_names import selector
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.metadata import metadata


def service(snapshot: Snapshot, pool: EndpointPool) -> Manifest:
    wanted = pool.spec.router.service
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(snapshot),
        "spec": {
            "type": wanted.type,
            "selector": selector(snapshot.key),
            "ports": [
                {"name": "http", "port": wanted.port, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}
            ],
        },
    }
