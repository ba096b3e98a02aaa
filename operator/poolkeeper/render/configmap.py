"""The ConfigMaps that carry router.json and probe.json, in the canonical spelling: an unchanged document is an
unchanged object.

The router's annotations repeat generation and hash, so that `kubectl describe` shows which document is in use without
reading it.
"""

from poolkeeper.api import labels
from poolkeeper.api.probe_document import ProbeDoc
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.plan.hashing import canonical_json
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.metadata import CONFIG_FILE, PROBE_FILE, metadata


def configmap(snapshot: Snapshot, document: RouterDoc) -> Manifest:
    annotations = {labels.CONFIG_HASH: document.hash, labels.CONFIG_GENERATION: str(document.generation)}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(snapshot, annotations),
        "data": {CONFIG_FILE: canonical_json(document.model_dump(mode="json", by_alias=True))},
    }


def probe_configmap(snapshot: Snapshot, document: ProbeDoc) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(snapshot, component="probe"),
        "data": {PROBE_FILE: canonical_json(document.model_dump(mode="json", by_alias=True))},
    }
