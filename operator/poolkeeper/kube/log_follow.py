"""What the routers of a pool have logged since the last look, from the logs of their Pods.

Asked again and again and not held open: a new Pod, an API server that restarts and a rotated token need no care.
The API server finds lines by whole seconds, so those that were read already are passed over by their own time.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime

from poolkeeper.errors import Refused, RetryLater
from poolkeeper.kube.client import RESOURCES, KubeApi
from poolkeeper.kube.pool_details import pods
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.render.metadata import CONTAINER

LIMIT_BYTES = 8 << 20
"""Of one Pod in one look; the next look goes on from there."""

Cursors = MutableMapping[str, str]
"""Pod -> the time of its last line that was read, as the API server writes it."""


async def new_lines(api: KubeApi, key: PoolKey, cursors: Cursors, since: datetime) -> Mapping[str, Sequence[str]]:
    """By Pod. since: where a Pod begins that has no cursor yet. A Pod that is gone loses its cursor; one that cannot be
    read (its container has not started) keeps it. An error is that none can be read."""
    found: dict[str, Sequence[str]] = {}
    refusal: Refused | RetryLater | None = None
    names = await pods(api, key, "router")
    for name in cursors.keys() - set(names):
        del cursors[name]
    for name in names:
        cursor = cursors.get(name) or stamp(since)
        query = {"container": CONTAINER, "timestamps": "true", "sinceTime": f"{cursor[:19]}Z"}
        path = RESOURCES["Pod"].path(key.namespace, name, "log")
        try:
            text = await api.get_text(path, {**query, "limitBytes": str(LIMIT_BYTES)})
        except (Refused, RetryLater) as error:
            refusal = error
            continue
        lines = [line.partition(" ") for line in whole_lines(text or "")]
        fresh = [(written, line) for written, _, line in lines if nanoseconds(written) > nanoseconds(cursor)]
        cursors[name] = fresh[-1][0] if fresh else cursor
        found[name] = [line for _, line in fresh]
    if refusal and not found:
        raise refusal
    return found


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def nanoseconds(written: str) -> str:
    """In a form that sorts: the kubelet leaves out zeros at the end of a fraction."""
    second, _, fraction = written.removesuffix("Z").partition(".")
    return f"{second}.{fraction:<09}"


def whole_lines(text: str) -> Sequence[str]:
    """Without what comes after the last line's end: the limit may cut a line."""
    return text.split("\n")[:-1]
