"""The Service in front of the routers: the client port only. The operator asks each Pod's admin port directly."""

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.plan.child_names import selector
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.metadata import child_labels, inherited_labels, metadata


def service(snapshot: Snapshot, pool: EndpointPool) -> Manifest:
    wanted = pool.spec.router.service
    annotations = {str(key): value for key, value in wanted.annotations.items()}
    labels = {str(key): str(value) for key, value in wanted.labels.items()}
    families = {"ipFamilyPolicy": wanted.ip_family_policy} if wanted.ip_family_policy else {}
    every_label = {**inherited_labels(snapshot), **labels, **child_labels(snapshot.key)}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(snapshot, annotations) | {"labels": every_label},
        "spec": {
            "type": wanted.type,
            **families,
            "selector": selector(snapshot.key),
            "ports": [
                {"name": "http", "port": wanted.port, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}
            ],
        },
    }
