"""What all children have in common: their metadata, and the names inside a router Pod."""

from collections.abc import Mapping

from poolkeeper.api import labels
from poolkeeper.api.base import API_VERSION
from poolkeeper.plan.child_names import Component, child_name, selector
from poolkeeper.plan.snapshot import PoolKey, Snapshot

CONFIG_FILE = "router.json"
PROBE_FILE = "probe.json"
CONTAINER = "router"
PROBE_CONTAINER = "probe"
CLIENT_PORT = 8080
ADMIN_PORT = 9180


def metadata(
    snapshot: Snapshot, annotations: Mapping[str, str] | None = None, component: Component = "router"
) -> dict[str, object]:
    """A child's metadata: ours alone. component: what the child is a part of, and named after.

    No label is copied from the pool (a copied Argo CD tracking label gets the child pruned), and blockOwnerDeletion is
    false because setting it wants a permission on the pool's finalizers.
    """
    owner = {
        "apiVersion": API_VERSION,
        "kind": "EndpointPool",
        "name": snapshot.key.name,
        "uid": snapshot.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
    found: dict[str, object] = {
        "name": child_name(snapshot.key, component),
        "namespace": snapshot.key.namespace,
        "labels": child_labels(snapshot.key, component),
        "ownerReferences": [owner],
    }
    if annotations:
        found["annotations"] = dict(annotations)
    return found


def child_labels(key: PoolKey, component: Component = "router") -> dict[str, str]:
    return selector(key, component) | {
        labels.NAME: f"poolkeeper-{component}",
        labels.PART_OF: "poolkeeper",
        labels.MANAGED_BY: "poolkeeper",
    }
