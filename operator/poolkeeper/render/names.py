"""What the children of a pool are called, how they are labelled, and where the router finds things in its Pod.

One name for all four children: `kubectl get all` then reads as one router, and a pool's name (40 at most) leaves room.
"""

from collections.abc import Mapping

from poolkeeper.api import labels
from poolkeeper.api.meta import API_VERSION
from poolkeeper.plan.snapshot import PoolKey, Snapshot

CONFIG_FILE = "router.json"
CONTAINER = "router"
CLIENT_PORT = 8080
ADMIN_PORT = 9180


def child_name(key: PoolKey) -> str:
    return f"{key.name}-router"


def selector(key: PoolKey) -> dict[str, str]:
    """What never changes about a router Pod; a Deployment's selector cannot be changed afterwards."""
    return {labels.POOL: key.name, labels.COMPONENT: "router"}


def selector_text(key: PoolKey) -> str:
    """The same as one string, the form the scale subresource wants."""
    return ",".join(f"{name}={value}" for name, value in sorted(selector(key).items()))


def metadata(snapshot: Snapshot, annotations: Mapping[str, str] | None = None) -> dict[str, object]:
    """A child's metadata: ours alone.

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
        "name": child_name(snapshot.key),
        "namespace": snapshot.key.namespace,
        "labels": pod_labels(snapshot.key),
        "ownerReferences": [owner],
    }
    if annotations:
        found["annotations"] = dict(annotations)
    return found


def pod_labels(key: PoolKey) -> dict[str, str]:
    return selector(key) | {
        labels.NAME: "poolkeeper-router",
        labels.PART_OF: "poolkeeper",
        labels.MANAGED_BY: "poolkeeper",
    }
