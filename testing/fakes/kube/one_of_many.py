"""One of many alike pools, as `make bench-scale` and the test of the operator's memory count them."""

from typing import Any

ENDPOINTS, ROUTERS = 4, 2


def pool(name: str, namespace: str, **metadata: object) -> dict[str, Any]:
    endpoints = [
        {"name": f"endpoint-{one}", "url": f"https://provider-{one}.example.com/v1", "tier": one // 2}
        for one in range(ENDPOINTS)
    ]
    return {
        "apiVersion": "poolkeeper.dev/v1alpha1",
        "kind": "EndpointPool",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"models": ["deepseek-flash"], "endpoints": endpoints, "router": {"replicas": ROUTERS}},
    }
