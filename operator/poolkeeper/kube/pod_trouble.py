"""Why a Pod does not run, or ended, from its own status. Only what stays the same while the cause does: no counts, no
times, no names that are new at each try.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from poolkeeper.api.foreign_values import printable
from poolkeeper.kube.json_fields import mapping, number, rows, text
from poolkeeper.plan.snapshot import PodTrouble

Body = Mapping[str, object]
MOST = 200
"""Characters of another program's words."""
_NO_IMAGE = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
)
_STARTS = ("ContainerCreating", "PodInitializing")
_OVER = ("Failed", "Succeeded")


def trouble(pod: Body) -> PodTrouble | None:
    """None: it runs and is ready, it only starts, or it is over and another one takes its place."""
    if text(pod, "status", "phase") in _OVER:
        return None
    for row in rows(pod, "status", "conditions"):
        if (text(row, "type"), text(row, "status")) == ("PodScheduled", "False"):
            said, _, _ = text(row, "message").partition(" preemption:")
            return PodTrouble("Unschedulable", _bounded(said or text(row, "reason")))
    for container in containers(pod):
        found = _of_container(pod, container)
        if found:
            return found
    return None


def containers(pod: Body) -> Iterator[Body]:
    yield from rows(pod, "status", "initContainerStatuses")
    yield from rows(pod, "status", "containerStatuses")


def end_of(pod: Body, container: Body, ended: Body) -> PodTrouble:
    """ended: what the kubelet says of a container that is no more."""
    if text(ended, "reason") == "OOMKilled":
        return PodTrouble("OutOfMemory", _memory_limit(pod, text(container, "name")))
    return PodTrouble("Ended", f"exit code {number(ended, 'exitCode')}")


def _of_container(pod: Body, container: Body) -> PodTrouble | None:
    waiting = text(container, "state", "waiting", "reason")
    if waiting in _NO_IMAGE:
        return PodTrouble("NoImage", _bounded(text(container, "image")))
    if container.get("ready") is True:
        return None
    for ended in (mapping(container, "state", "terminated"), mapping(container, "lastState", "terminated")):
        if ended:
            return end_of(pod, container, ended)
    if waiting and waiting not in _STARTS:
        if waiting == "CrashLoopBackOff":
            return PodTrouble("Ended", waiting)
        return PodTrouble("NotCreated", _bounded(text(container, "state", "waiting", "message") or waiting))
    return None


def _memory_limit(pod: Body, name: str) -> str:
    own = next((one for one in rows(pod, "spec", "containers") if text(one, "name") == name), {})
    return _bounded(text(own, "resources", "limits", "memory"))


def _bounded(words: str) -> str:
    return printable(words).strip()[:MOST]


@dataclass(frozen=True)
class Restart:
    """The last end of a container that was started again. times: in all."""

    at: datetime
    why: PodTrouble
    times: int


def restarts(pod: Body) -> Iterator[Restart]:
    for container in containers(pod):
        ended, times = mapping(container, "lastState", "terminated"), number(container, "restartCount")
        try:
            at = datetime.fromisoformat(text(ended, "finishedAt"))
        except ValueError:
            continue
        if at.tzinfo and times:
            yield Restart(at, end_of(pod, container, ended), times)
