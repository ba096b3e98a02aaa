"""What changed at a pool lately, from what the API server keeps anyway: who wrote its spec when (its managedFields),
when its routers' Pods were made, when their containers ended, and its Events. No Secret is asked for: routers say when
a key changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from poolkeeper.api.base import GROUP
from poolkeeper.api.pool_change import PoolChange
from poolkeeper.errors import Refused, RetryLater
from poolkeeper.kube.client import RESOURCES, KubeApi
from poolkeeper.kube.json_fields import Json, mapping, number, rows, text, texts
from poolkeeper.kube.pod_trouble import restarts
from poolkeeper.plan.child_names import selector
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.status.pod_words import ended

MOST_EVENTS = 500
MOST_PODS = 200
TEMPLATE = "pod-template-hash"
"""The Deployment's own label: Pods of one roll-out share it."""
ROLL_OUT_S = 120.0
"""Pods of a template that are made later than this after its first were not made by its roll-out."""
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


async def pool_changes(api: KubeApi, key: PoolKey) -> tuple[Sequence[PoolChange], Sequence[str]]:
    """The oldest first; and what could not be read, and why."""
    found: list[PoolChange] = []
    notes: list[str] = []
    try:
        found += written(await api.get("EndpointPool", key.namespace, key.name))
        wanted = ",".join(f"{name}={value}" for name, value in sorted(selector(key, "router").items()))
        path, query = RESOURCES["Pod"].path(key.namespace), {"labelSelector": wanted, "limit": str(MOST_PODS)}
        pods = tuple(rows(await api.get_path(path, query), "items"))
        found += [*rolled_out(pods), *restarted(pods)]
    except (Refused, RetryLater) as error:
        notes.append(f"changes of the spec and roll-outs: {error}")
    try:
        query = {"fieldSelector": f"regarding.kind=EndpointPool,regarding.name={key.name}", "limit": str(MOST_EVENTS)}
        found += happened(await api.get_path(RESOURCES["Event"].path(key.namespace), query), key.name)
    except (Refused, RetryLater) as error:
        notes.append(f"Events (it wants events of events.k8s.io: list): {error}")
    return sorted(found, key=lambda one: one.at), notes


def written(pool: Json | None) -> Iterator[PoolChange]:
    """Each manager's last change: the API server keeps no more."""
    for entry in rows(pool, "metadata", "managedFields"):
        at, fields = _time(text(entry, "time")), mapping(entry, "fieldsV1")
        if at is None or text(entry, "subresource"):
            continue
        by_hand = sorted(
            name.removeprefix(f"f:{GROUP}/")
            for name in mapping(fields, "f:metadata", "f:annotations")
            if name.startswith(f"f:{GROUP}/")
        )
        if "f:spec" in fields:
            yield PoolChange(at=at, kind="Spec", message="the spec was written", by=text(entry, "manager"))
        elif by_hand:
            message = f"manual control: {', '.join(by_hand)}"
            yield PoolChange(at=at, kind="Spec", message=message, by=text(entry, "manager"))


def rolled_out(pods: Sequence[Mapping[str, object]]) -> Iterator[PoolChange]:
    """New Pods of a new template are a roll-out; a later Pod of the same template replaces one, or is one more."""
    made = sorted(
        (at, text(pod, "metadata", "name"), texts(pod, "metadata", "labels").get(TEMPLATE, ""))
        for pod in pods
        if (at := _time(text(pod, "metadata", "creationTimestamp")))
    )
    first: dict[str, datetime] = {}
    for at, name, template in made:
        if template not in first:
            first[template] = at
            yield _roll_out(at, f"routers with a new Pod template begin ({template})", name)
        elif (at - first[template]).total_seconds() > ROLL_OUT_S:
            yield _roll_out(at, "one router Pod more, or in place of another", name)


def restarted(pods: Sequence[Mapping[str, object]]) -> Iterator[PoolChange]:
    """The kubelet keeps the last end of each container."""
    for pod in pods:
        for one in restarts(pod):
            often = f" ({one.times} times in all)" if one.times > 1 else ""
            message = f"a router's container {ended(one.why)}, and was started again{often}"
            name = text(pod, "metadata", "name")
            yield PoolChange(at=one.at, kind="Restart", message=message, by=name, is_warning=True)


def happened(events: Json | None, pool: str) -> Iterator[PoolChange]:
    for event in rows(events, "items"):
        at = _time(text(event, "eventTime")) or _time(text(event, "deprecatedFirstTimestamp"))
        if at is None or text(event, "regarding", "name") != pool:
            continue
        times = number(event, "series", "count")
        message = f"{text(event, 'reason')}: {text(event, 'note')}" + (f" ({times} times)" if times > 1 else "")
        yield PoolChange(
            at=at,
            kind="Event",
            message=message,
            by=text(event, "reportingController"),
            is_warning=text(event, "type") == "Warning",
        )


def _roll_out(at: datetime, message: str, pod: str) -> PoolChange:
    return PoolChange(at=at, kind="RollOut", message=message, by=pod)


def _time(stamp: str) -> datetime | None:
    """None: none, or not one of this age."""
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return at if at.tzinfo and at >= _FIRST else None
