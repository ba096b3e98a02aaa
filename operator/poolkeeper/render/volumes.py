"""What a router, and a prober, find in their file systems: configuration, keys, authorities, and a place in
memory to write to.

Every Secret and ConfigMap of the user's is optional: a key that is missing stops one endpoint (the router says so in
/state), never a Pod. Keys are files named after the endpoint or client they belong to, readable by the router's group
only, whatever their names in the Secret.
"""

from collections.abc import Iterator

from poolkeeper.api.base import ConfigMapKeyRef, SecretKeyRef
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.plan.child_names import child_name
from poolkeeper.plan.endpoints import ca_file, key_file
from poolkeeper.plan.snapshot import PoolKey

ROOT = "/etc/poolkeeper"
RUN_DIR = "/run/poolkeeper"
RUN_SIZE_LIMIT = "64Mi"
KEY_FILE_MODE = 0o440
SAMPLES_FILE = "samples.jsonl"

Part = dict[str, object]


def volumes(key: PoolKey, spec: EndpointPoolSpec) -> list[Part]:
    """Volumes with nothing in them are left out."""
    found: list[Part] = [{"name": "config", "configMap": {"name": child_name(key)}}]
    for name, files in (("credentials", _credentials), ("clients", _clients), ("ca", _authorities)):
        sources = list(files(spec))
        if sources:
            found.append({"name": name, "projected": {"defaultMode": KEY_FILE_MODE, "sources": sources}})
    return [*found, {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": RUN_SIZE_LIMIT}}]


def probe_volumes(key: PoolKey, spec: EndpointPoolSpec) -> list[Part]:
    """What a prober finds: the same keys and authorities, its own document, and the user's samples."""
    found: list[Part] = [{"name": "config", "configMap": {"name": child_name(key, "probe")}}]
    for name, files in (("credentials", _credentials), ("ca", _authorities)):
        sources = list(files(spec))
        if sources:
            found.append({"name": name, "projected": {"defaultMode": KEY_FILE_MODE, "sources": sources}})
    samples = spec.probe.samples_ref if spec.probe else None
    if samples:
        found.append({"name": "samples", "projected": {"sources": [_config_map(samples, SAMPLES_FILE)]}})
    return found


def mounts(volumes: list[Part]) -> list[Part]:
    return [
        {"name": "run", "mountPath": RUN_DIR}
        if volume["name"] == "run"
        else {"name": volume["name"], "mountPath": f"{ROOT}/{volume['name']}", "readOnly": True}
        for volume in volumes
    ]


def _credentials(spec: EndpointPoolSpec) -> Iterator[Part]:
    for endpoint in sorted(spec.endpoints, key=lambda endpoint: endpoint.name):
        for ref in endpoint.keys:
            yield _secret(ref, key_file(endpoint, ref))


def _clients(spec: EndpointPoolSpec) -> Iterator[Part]:
    if spec.access.mode == "Keys":
        for client in sorted(spec.access.clients, key=lambda client: client.name):
            yield _secret(client.key_ref, client.name)


def _authorities(spec: EndpointPoolSpec) -> Iterator[Part]:
    for endpoint in sorted(spec.endpoints, key=lambda endpoint: endpoint.name):
        file = ca_file(endpoint)
        if file and endpoint.tls and endpoint.tls.ca_ref:
            yield _config_map(endpoint.tls.ca_ref, file)


def _secret(ref: SecretKeyRef, path: str) -> Part:
    return {"secret": {"name": ref.name, "optional": True, "items": [{"key": ref.key, "path": path}]}}


def _config_map(ref: ConfigMapKeyRef, path: str) -> Part:
    return {"configMap": {"name": ref.name, "optional": True, "items": [{"key": ref.key, "path": path}]}}
