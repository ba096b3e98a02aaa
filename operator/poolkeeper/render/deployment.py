"""Router Pods: restricted, taking a new document without a restart, and ending only when their streams have ended.

Pods are replaced only for what a running router cannot take over: image, resources, which files are mounted, and the
authorities (annotation CONFIG_HASH; nginx reads them once). The document is not among them.
"""

from math import ceil

from poolkeeper.api import labels
from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.plan.child_names import selector
from poolkeeper.plan.hashing import digest
from poolkeeper.plan.snapshot import Manifest, Snapshot
from poolkeeper.render.metadata import ADMIN_PORT, CLIENT_PORT, CONTAINER, metadata, pod_metadata
from poolkeeper.render.resources import resources_of, workers
from poolkeeper.render.scheduling import scheduling
from poolkeeper.render.security import CONTAINER_SECURITY, pod_security, pull_secrets
from poolkeeper.render.volumes import RUN_DIR, mounts, volumes

SETTLE_S = 5
"""A Pod that is ending keeps serving until this long after the last new connection: endpoint controllers and proxies
need about that to stop naming it."""
IDLE_S = 10
"""And this long after the last request, so that callers of kept connections ask once more: the answer says that the
connection closes."""
DRAIN_MARGIN_S = 10
"""What is left of the grace period for nginx' own end."""
MAX_GRACE_S = 660
"""A node drain waits no longer for the last stream; nginx cuts it after 600 s (worker_shutdown_timeout)."""

Part = dict[str, object]


def deployment(snapshot: Snapshot, pool: EndpointPool, document: RouterDoc) -> Manifest:
    template = pool.spec.router.template
    annotations = {str(key): value for key, value in template.annotations.items()}
    if snapshot.ca_digest:
        annotations[labels.CONFIG_HASH] = snapshot.ca_digest
    user_labels = {str(key): str(value) for key, value in template.labels.items()}
    pods: Part = {
        "metadata": pod_metadata(snapshot, "router", user_labels, annotations),
        "spec": _pod_spec(snapshot, pool, document),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(snapshot, {labels.TEMPLATE_HASH: digest(pods)}),
        "spec": {
            "replicas": pool.spec.router.pods,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": selector(snapshot.key)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": pods,
        },
    }


def grace_s(request_ms: int) -> int:
    """How long a Pod may take to end: its longest request, in whole minutes so that fine tuning restarts nothing."""
    if request_ms == 0:
        return MAX_GRACE_S
    minutes = ceil((request_ms / 1000 + SETTLE_S + DRAIN_MARGIN_S) / 60)
    return min(MAX_GRACE_S, minutes * 60)


def drain_path(grace: int) -> str:
    """What the kubelet asks of a router before it ends it (router/lua/nginx/drain.lua)."""
    return f"/drain?settle={SETTLE_S}&idle={IDLE_S}&limit={grace - DRAIN_MARGIN_S}"


def _pod_spec(snapshot: Snapshot, pool: EndpointPool, document: RouterDoc) -> Part:
    found = volumes(snapshot.key, pool.spec)
    grace = grace_s(document.policy.timeouts.request_ms)
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace,
        "securityContext": pod_security(snapshot),
        **pull_secrets(snapshot),
        "containers": [_container(snapshot, pool, document, mounts(found), grace)],
        "volumes": found,
        **scheduling(pool.spec.router.template, selector(snapshot.key)),
    }


def _container(
    snapshot: Snapshot, pool: EndpointPool, document: RouterDoc, volume_mounts: list[Part], grace: int
) -> Part:
    resources = resources_of(snapshot, pool)
    env = {
        "POOLKEEPER_LISTEN": f"*:{CLIENT_PORT}",
        "POOLKEEPER_ADMIN": f"*:{ADMIN_PORT}",
        "POOLKEEPER_RUN_DIR": RUN_DIR,
        "POOLKEEPER_WORKERS": str(workers(resources)),
        "POOLKEEPER_CACHE_BYTES": str(document.policy.fallback.cache_bytes),
    }
    return {
        "name": CONTAINER,
        "image": snapshot.settings.router_image,
        "imagePullPolicy": snapshot.settings.image_pull_policy,
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "ports": [
            {"name": "http", "containerPort": CLIENT_PORT, "protocol": "TCP"},
            {"name": "admin", "containerPort": ADMIN_PORT, "protocol": "TCP"},
        ],
        "startupProbe": _probe("/healthz", period_s=1, failures=60),
        "readinessProbe": _probe("/readyz", period_s=2, failures=3),
        "livenessProbe": _probe("/healthz", period_s=10, failures=6),
        "lifecycle": {"preStop": {"httpGet": {"path": drain_path(grace), "port": "admin"}}},
        "resources": resources.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": volume_mounts,
    }


def _probe(path: str, period_s: int, failures: int) -> Part:
    return {
        "httpGet": {"path": path, "port": "admin"},
        "periodSeconds": period_s,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }
