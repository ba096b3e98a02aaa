"""The Service in front of the routers: the client port only. The operator asks each Pod's admin port directly."""

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.plan.child_names import selector
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.metadata import child_labels, inherited_labels, metadata

ONE_FAMILY = "SingleStack"
"""Kubernetes' own default, said aloud: an API server keeps the old value of a Service that no longer names one."""


def service(snapshot: Snapshot, pool: EndpointPool) -> Manifest:
    wanted = pool.spec.router.service
    annotations = {str(key): value for key, value in wanted.annotations.items()}
    labels = {str(key): str(value) for key, value in wanted.labels.items()}
    every_label = {**inherited_labels(snapshot), **labels, **child_labels(snapshot.key)}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(snapshot, annotations) | {"labels": every_label},
        "spec": {
            "type": wanted.type,
            "ipFamilyPolicy": wanted.ip_family_policy or ONE_FAMILY,
            "selector": selector(snapshot.key),
            "ports": [
                {"name": "http", "port": wanted.port, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}
            ],
        },
    }
