"""Objects as an API server sends them, for tests."""

from poolkeeper.kube.client import RESOURCES
from poolkeeper.kube.json_fields import Json, mapping
from poolkeeper.plan.snapshot import PoolKey

KEY = PoolKey("team", "chat")
UID = "uid-of-chat"


def owner(name: str = "chat", uid: str = UID, kind: str = "EndpointPool") -> Json:
    return {"apiVersion": "poolkeeper.dev/v1alpha1", "kind": kind, "name": name, "uid": uid, "controller": True}


def child(kind: str = "ConfigMap", name: str = "chat-router", **parts: object) -> Json:
    return {
        "apiVersion": RESOURCES[kind].api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": KEY.namespace,
            "labels": {"poolkeeper.dev/pool": KEY.name},
            "ownerReferences": [owner()],
        },
        **parts,
    }


def pool(name: str = "chat", uid: str = UID, version: int = 1, policy: str = "", **metadata: object) -> Json:
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {
            "name": name,
            "namespace": KEY.namespace,
            "uid": uid,
            "generation": 1,
            "resourceVersion": str(version),
            **metadata,
        },
        "spec": {
            "models": ["deepseek-flash"],
            "endpoints": [{"name": "official", "provider": "DeepSeek", "url": "https://api.deepseek.com/v1"}],
            **({"failoverPolicyRef": {"name": policy}} if policy else {}),
        },
    }


def policy(name: str = "standard", version: int = 1) -> Json:
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {
            "name": name,
            "namespace": KEY.namespace,
            "uid": f"uid-of-{name}",
            "generation": 1,
            "resourceVersion": str(version),
        },
        "spec": {},
    }


def pod(
    name: str = "chat-router-1", version: int = 1, ip: str = "10.0.0.1", ready: bool = True, poked: str = ""
) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": KEY.namespace,
            "uid": f"uid-of-{name}",
            "resourceVersion": str(version),
            "labels": {"poolkeeper.dev/pool": KEY.name, "app.kubernetes.io/component": "router"},
            "annotations": {"poolkeeper.dev/config-generation": poked} if poked else {},
            "ownerReferences": [owner("chat-router-5f", "uid-of-replicaset", "ReplicaSet")],
        },
        "status": {"podIP": ip, "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


def chain(deployment_owner: str = UID) -> tuple[Json, Json]:
    """What makes pod() one of the pool's routers: its ReplicaSet, and the Deployment that controls that."""
    deployment, replicaset = child("Deployment"), child("ReplicaSet", "chat-router-5f")
    of_deployment = {**mapping(deployment, "metadata"), "uid": "uid-of-deployment", "resourceVersion": "1"}
    of_replicaset = {**mapping(replicaset, "metadata"), "uid": "uid-of-replicaset", "resourceVersion": "1"}
    return (
        {**deployment, "metadata": {**of_deployment, "ownerReferences": [owner(uid=deployment_owner)]}},
        {
            **replicaset,
            "metadata": {
                **of_replicaset,
                "ownerReferences": [owner("chat-router", "uid-of-deployment", "Deployment")],
            },
        },
    )
