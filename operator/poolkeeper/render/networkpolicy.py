"""Who may connect to the Pods of a pool: clients to routers, the operator and Prometheus to their admin port, nobody to
probes.

The kubelet asks from the node, which networks that enforce policies let through. Where Pods may connect to is not
restricted: endpoints are anywhere.
"""

from collections.abc import Sequence

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.router_spec import Peer
from poolkeeper.plan.child_names import Component, selector
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.metadata import ADMIN_PORT, CLIENT_PORT, metadata

NAMESPACE_NAME = "kubernetes.io/metadata.name"

Part = dict[str, object]


def router_network_policy(snapshot: Snapshot, pool: EndpointPool) -> Manifest:
    callers = [peer_of(peer) for peer in pool.spec.access.allowed_from]
    readers = [_operator(snapshot), *map(peer_of, snapshot.settings.children.network_policy.metrics_from)]
    return _policy(snapshot, "router", [_rule(CLIENT_PORT, callers), _rule(ADMIN_PORT, readers)])


def probe_network_policy(snapshot: Snapshot) -> Manifest:
    return _policy(snapshot, "probe", [])


def peer_of(peer: Peer) -> Part:
    if peer.cidr is not None:
        return {"ipBlock": {"cidr": peer.cidr}}
    found: Part = {"podSelector": _labels(peer.pod_labels)}
    if peer.namespace_labels is not None:
        found["namespaceSelector"] = _labels(peer.namespace_labels)
    return found


def _operator(snapshot: Snapshot) -> Part:
    of = snapshot.settings.operator
    where = {NAMESPACE_NAME: of.namespace} if of.namespace else {}
    return {"podSelector": _labels(of.labels), "namespaceSelector": _labels(where)}


def _labels(labels: object) -> Part:
    return {"matchLabels": labels} if labels else {}


def _rule(port: int, peers: Sequence[Part]) -> Part:
    """No peers: everybody."""
    ports = [{"port": port, "protocol": "TCP"}]
    return {"from": list(peers), "ports": ports} if peers else {"ports": ports}


def _policy(snapshot: Snapshot, component: Component, rules: Sequence[Part]) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(snapshot, component=component),
        "spec": {
            "podSelector": {"matchLabels": selector(snapshot.key, component)},
            "policyTypes": ["Ingress"],
            "ingress": list(rules),
        },
    }
