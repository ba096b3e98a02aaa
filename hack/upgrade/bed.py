"""Namespaces, a scripted provider and a pool for the upgrade. One endpoint and no recovery of streams: what a roll-out
would cut or refuse, nothing hides."""

import json

from testing.cluster_bed import Json, Kubectl, wait_until

POOL = "chat"
ANSWER = {"first_token_ms": 50.0, "tokens": 24, "reasoning_tokens": 0, "token_interval_ms": 400.0}
"""Ten seconds, so that a hundred are always open."""


def pool() -> list[Json]:
    endpoint = {
        "name": "official",
        "provider": "DeepSeek",
        "serviceRef": {"name": "official", "port": 8000, "path": "/v1"},
        "maxConnections": 400,
    }
    return [
        {
            "apiVersion": "poolkeeper.dev/v1alpha1",
            "kind": "FailoverPolicy",
            "metadata": {"name": POOL},
            "spec": {"timeouts": {"request": "60s"}, "streaming": {"recovery": "Error"}},
        },
        {
            "apiVersion": "poolkeeper.dev/v1alpha1",
            "kind": "EndpointPool",
            "metadata": {"name": POOL},
            "spec": {
                "models": ["deepseek-flash"],
                "endpoints": [endpoint],
                "failoverPolicyRef": {"name": POOL},
                "router": {"replicas": 2},
            },
        },
    ]


def apply(kubectl: Kubectl, namespace: str, objects: list[Json]) -> None:
    kubectl("-n", namespace, "apply", "--server-side", "-f", "-", stdin=json.dumps(_list(objects)))


def rolled(kubectl: Kubectl, namespace: str, image: str) -> bool:
    """Every router runs this image and is ready, and no other one is left, not even one that finishes its streams."""
    found = kubectl("-n", namespace, "get", "pods", "-l", f"poolkeeper.dev/pool={POOL}", "-o", "json", check=False)
    pods: list[Json] = json.loads(found.stdout or "{}").get("items", [])
    return len(pods) == 2 and all(_is_ready(pod) and _image(pod) == image for pod in pods)


def wait_answers(kubectl: Kubectl, namespace: str) -> None:
    kubectl("-n", namespace, "rollout", "status", "deployment/official", "--timeout=120s", timeout_s=130)
    control = f"/api/v1/namespaces/{namespace}/services/official:8001/proxy/_fake/scenario"
    plan = json.dumps({"scenario": "ok", "params": ANSWER})
    wait_until(
        "the scripted provider",
        lambda: kubectl("replace", "--raw", control, "-f", "-", stdin=plan, check=False).returncode == 0 or None,
    )


def _is_ready(pod: Json) -> bool:
    conditions = {one["type"]: one["status"] for one in pod.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def _image(pod: Json) -> str:
    image: str = pod["spec"]["containers"][0]["image"]
    return image


def _list(objects: list[Json]) -> Json:
    return {"apiVersion": "v1", "kind": "List", "items": objects}
