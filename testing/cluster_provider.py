"""A scripted provider as a Deployment and a Service of a cluster; testing/cluster_bed.py drives it."""

from collections.abc import Sequence

from testing.cluster_bed import Json

LIMITS = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def provider(name: str, image: str) -> list[Json]:
    """image: of testing/fakes. It takes any API key."""
    container = {
        "name": "fake",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--listen", "0.0.0.0:8000", "--control", "0.0.0.0:8001", "--name", name],
        "readinessProbe": {"httpGet": {"path": "/_fake/stats", "port": 8001}, "periodSeconds": 2},
        "securityContext": LIMITS,
    }
    return deployed(name, container)


def deployed(name: str, container: Json, volumes: Sequence[Json] = ()) -> list[Json]:
    """A Deployment of this container, and its Service: port 8000 for requests, 8001 to drive it."""
    labels = {"app": name}
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [*volumes],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    ports = [{"name": "http", "port": 8000}, {"name": "control", "port": 8001}]
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": labels, "ports": ports},
        },
    ]
