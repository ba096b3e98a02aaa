"""An operator that starts again writes nothing where nothing differs, whatever the API server made of our values; what
others did to the children meanwhile is undone, and what they added stays."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chaos.conftest import Started
from poolkeeper.kube.store import CHILD_KINDS
from testing.chaos.client import Json, User
from testing.chaos.control_plane import ControlPlane
from testing.chaos.faults import NO_FAULTS
from testing.chaos.history import AGGREGATOR, CHILD, OFFICIAL, POOL, state
from testing.chaos.objects import difference
from testing.chaos.operator import Operator
from testing.chaos.proxy import Proxy
from testing.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

NAMESPACE = "restarts"
PATIENCE_S = 150.0
SECRET = {"name": "keys", "key": "a"}
SPEC: Json = {
    "models": ["deepseek-flash"],
    "endpoints": [
        {**OFFICIAL, "credentialsRef": SECRET, "tls": {"caRef": {"name": "authorities", "key": "ca.crt"}}},
        {**AGGREGATOR, "credentialsRef": SECRET},
    ],
    "probe": {"schedule": "0 0 1 1 *", "resources": {"limits": {"memory": "131072Ki"}}},
    "access": {"allowedFrom": [{"podLabels": {"app": "a"}, "namespaceLabels": {}}, {"cidr": "10.0.0.0/8"}]},
    "router": {
        "replicas": 2,
        "autoscaling": {"minReplicas": 1, "maxReplicas": 4},
        "resources": {"requests": {"cpu": "0.25", "memory": "1024Mi"}, "limits": {"memory": "1073741824"}},
        "service": {"annotations": {"a": "é😀"}, "labels": {"team": "a"}},
    },
}
"""A child of every kind, and values that the API server writes otherwise: quantities, defaults in lists."""


AUTHORITY = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n"


@dataclass(frozen=True)
class Bed:
    user: User
    operator: Operator
    proxy: Proxy

    def start(self) -> int:
        """And wait until all is looked at; how many writes that took."""
        before = len(self.proxy.writes)
        self.operator.start()
        until(self._is_settled, "the pool to be looked at", PATIENCE_S)
        return len(self.proxy.writes) - before

    def _is_settled(self) -> bool:
        done = self.operator.metric("poolkeeper_reconcile_total")
        return done >= 1 and self.operator.metric("poolkeeper_reconcile_queue_depth") == 0

    def state(self) -> Json:
        return state(self.user, NAMESPACE)

    def is_ready(self) -> bool:
        body = self.user.get("EndpointPool", NAMESPACE, POOL) or {}
        conditions = body.get("status", {}).get("conditions", [])
        return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)


@pytest.fixture(scope="module")
def bed(plane: ControlPlane, started: Started, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    user = User(plane.url, plane.token)
    user.make_namespace(NAMESPACE)
    folder = tmp_path_factory.mktemp("restarts")
    with Proxy(plane.url, plane.token, NO_FAULTS) as proxy:
        operator = Operator(folder, proxy.url, options=["--no-leader-elect", "--namespace", NAMESPACE])
        found = Bed(user, operator, proxy)
        user.apply({"kind": "ConfigMap", "metadata": _named("authorities"), "data": {"ca.crt": AUTHORITY}})
        user.apply({"kind": "EndpointPool", "metadata": _named(POOL), "spec": SPEC})
        operator.start()
        try:
            until(found.is_ready, "the pool to be ready", PATIENCE_S)
            yield found
        finally:
            operator.kill()
            user.delete("EndpointPool", NAMESPACE, POOL)
            user.close()


def _named(name: str) -> Json:
    return {"name": name, "namespace": NAMESPACE}


def test_a_restart_writes_nothing(bed: Bed) -> None:
    wanted = bed.state()
    kinds = {name.partition(" ")[0] for name in wanted}
    assert kinds >= set(CHILD_KINDS)

    for _ in range(2):
        bed.operator.end()
        written = len(bed.proxy.writes)
        bed.start()
        assert [write.what for write in bed.proxy.writes[written:]] == []

    assert difference(wanted, bed.state()) == ""


def _edited(kind: str, name: str, patch: Json) -> Callable[[User], None]:
    return lambda user: user.merge(kind, NAMESPACE, name, patch)


def _delete_all(user: User) -> None:
    for kind in CHILD_KINDS:
        for body in user.list(kind, NAMESPACE, "poolkeeper.dev/pool"):
            user.delete(kind, NAMESPACE, body["metadata"]["name"])


def _with_image(user: User) -> Json:
    """A merge patch replaces lists."""
    body = user.get("Deployment", NAMESPACE, CHILD)
    assert body is not None
    template: Json = body["spec"]["template"]
    template["spec"]["containers"][0]["image"] = "theirs:1"
    return template


TAMPERED: dict[str, Callable[[User], None]] = {
    "a value": _edited("ConfigMap", CHILD, {"data": {"router.json": "{}"}}),
    "the image": lambda user: user.merge("Deployment", NAMESPACE, CHILD, {"spec": {"template": _with_image(user)}}),
    "the number of routers": _edited("Deployment", CHILD, {"spec": {"replicas": 0}}),
    "a port": _edited("Service", CHILD, {"spec": {"ports": [{"name": "http", "port": 81}]}}),
    "who selects": _edited("NetworkPolicy", CHILD, {"spec": {"podSelector": {}, "ingress": [{}]}}),
    "the schedule": _edited("CronJob", f"{POOL}-probe", {"spec": {"suspend": True, "schedule": "* * * * *"}}),
    "a field that excludes ours": _edited(
        "PodDisruptionBudget", CHILD, {"spec": {"maxUnavailable": None, "minAvailable": 1}}
    ),
    "our labels": _edited(
        "Service", CHILD, {"metadata": {"labels": {"poolkeeper.dev/pool": None, "app.kubernetes.io/part-of": "theirs"}}}
    ),
    "the label that says who manages it": _edited(
        "ConfigMap", CHILD, {"metadata": {"labels": {"app.kubernetes.io/managed-by": "theirs"}}}
    ),
    "its owner": _edited("ConfigMap", f"{POOL}-probe", {"metadata": {"ownerReferences": None}}),
    "the bounds of the autoscaler": _edited("HorizontalPodAutoscaler", CHILD, {"spec": {"maxReplicas": 9}}),
    "the record of who wrote what": _edited(
        "Service", CHILD, {"metadata": {"managedFields": [{}]}, "spec": {"selector": {"theirs": "b"}}}
    ),
    "all are deleted": _delete_all,
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_tampered_with_while_it_was_away_is_undone(bed: Bed, what: str) -> None:
    until(bed.is_ready, "the pool to be ready", PATIENCE_S)
    wanted = bed.state()
    bed.operator.kill()
    TAMPERED[what](bed.user)
    assert difference(wanted, bed.state())

    bed.start()

    until(lambda: not difference(wanted, bed.state()), f"{what} to be undone", PATIENCE_S)


def test_what_others_added_while_it_was_away_stays_and_costs_no_write(bed: Bed) -> None:
    until(bed.is_ready, "the pool to be ready", PATIENCE_S)
    bed.operator.kill()
    for kind in CHILD_KINDS:
        bed.user.merge(kind, NAMESPACE, _of(bed.user, kind), {"metadata": {"annotations": {"theirs/a": "1"}}})
    bed.user.merge("Deployment", NAMESPACE, CHILD, {"spec": {"minReadySeconds": 1}})

    assert bed.start() == 0

    for kind in CHILD_KINDS:
        body: Any = bed.user.get(kind, NAMESPACE, _of(bed.user, kind))
        assert body["metadata"]["annotations"]["theirs/a"] == "1"


def _of(user: User, kind: str) -> str:
    """The first child of this kind."""
    name: str = user.list(kind, NAMESPACE, "poolkeeper.dev/pool")[0]["metadata"]["name"]
    return name
