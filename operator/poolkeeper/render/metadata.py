"""What all children have in common: their metadata, and the names inside a router Pod."""

from collections.abc import Mapping

from poolkeeper.api import labels
from poolkeeper.api.base import API_VERSION, GROUP
from poolkeeper.plan.child_names import Component, child_name, selector
from poolkeeper.plan.snapshot import PoolKey, Snapshot

CONFIG_FILE = "router.json"
PROBE_FILE = "probe.json"
CONTAINER = "router"
PROBE_CONTAINER = "probe"
CLIENT_PORT = 8080
ADMIN_PORT = 9180
RESERVED = (f"{GROUP}/", "app.kubernetes.io/")
"""Prefixes of labels that only Poolkeeper sets."""


def metadata(
    snapshot: Snapshot, annotations: Mapping[str, str] | None = None, component: Component = "router"
) -> dict[str, object]:
    """A child's metadata: ours, and the installation's. component: what the child is a part of, and named after.

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
        "labels": inherited_labels(snapshot) | child_labels(snapshot.key, component),
        "ownerReferences": [owner],
    }
    every = inherited_annotations(snapshot) | dict(annotations or {})
    if every:
        found["annotations"] = every
    return found


def pod_metadata(
    snapshot: Snapshot,
    component: Component,
    labels_of_pool: Mapping[str, str],
    annotations: Mapping[str, str],
) -> dict[str, object]:
    """Of the Pods of a child: what the pool says goes before what the installation says, and ours before both."""
    every_label = {**inherited_labels(snapshot), **labels_of_pool, **child_labels(snapshot.key, component)}
    found: dict[str, object] = {"labels": every_label}
    every = {**inherited_annotations(snapshot), **annotations}
    if every:
        found["annotations"] = every
    return found


def inherited_labels(snapshot: Snapshot) -> dict[str, str]:
    given = snapshot.settings.children.labels.items()
    return {str(key): str(value) for key, value in given if not key.startswith(RESERVED)}


def inherited_annotations(snapshot: Snapshot) -> dict[str, str]:
    given = snapshot.settings.children.annotations.items()
    return {str(key): value for key, value in given if not key.startswith(f"{GROUP}/")}


def child_labels(key: PoolKey, component: Component = "router") -> dict[str, str]:
    return selector(key, component) | {
        labels.NAME: f"poolkeeper-{component}",
        labels.PART_OF: "poolkeeper",
        labels.MANAGED_BY: "poolkeeper",
    }
