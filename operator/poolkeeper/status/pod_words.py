"""What keeps router Pods from running, in a sentence, and what a person can do. A table, and pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from poolkeeper.plan.snapshot import PodTrouble, TroubleKind
from poolkeeper.status.facts import Facts

FAILED_CREATE = "FailedCreate"
"""The word of the Deployment controller, with the quota or the policy behind it."""
LOOK = "look at the router Pods: `kubectl describe pod`"


@dataclass(frozen=True)
class _Words:
    """seen: goes on after the Pod's name; {} is the detail. without: the same where the detail is not known."""

    seen: str
    without: str
    do: str


_WORDS: Mapping[TroubleKind, _Words] = MappingProxyType(
    {
        "Unschedulable": _Words(
            "fits on no node ({})",
            "fits on no node",
            "make room on the nodes, or lower spec.router.resources or the wishes in spec.router.template",
        ),
        "NoImage": _Words(
            "has an image that cannot be pulled ({})",
            "has an image that cannot be pulled",
            "correct router.image of the chart, its registry, or children.imagePullSecrets",
        ),
        "OutOfMemory": _Words(
            "was ended for its memory (OOMKilled, limit {})",
            "was ended for its memory (OOMKilled)",
            "raise limits.memory of spec.router.resources",
        ),
        "Ended": _Words(
            "ends again after each start ({})",
            "ends again after each start",
            "read its last words: `kubectl logs --previous POD`",
        ),
        "NotCreated": _Words(
            "has a container that cannot be created ({})",
            "has a container that cannot be created",
            LOOK,
        ),
    }
)


@dataclass(frozen=True)
class Stuck:
    """text: why routers do not run, after a semicolon of the sentence before. do: an instruction."""

    text: str
    do: str


def seen(trouble: PodTrouble) -> str:
    words = _WORDS[trouble.kind]
    return words.seen.format(trouble.detail) if trouble.detail else words.without


def ended(trouble: PodTrouble) -> str:
    """Of a container that runs again."""
    return f"ended ({trouble.detail})" if trouble.kind == "Ended" else seen(trouble)


def stuck(facts: Facts) -> Stuck | None:
    """None: nothing is known to hold the routers up; they only start."""
    deployment = facts.snapshot.live.deployment
    word = deployment.stuck_reason if deployment else ""
    if word.startswith(FAILED_CREATE):
        return Stuck(f"no more Pods can be made: {word}", "raise the quota, or correct what the policy refuses")
    pods = sorted(facts.snapshot.live.pods, key=lambda pod: pod.name)
    troubled = [pod for pod in pods if pod.trouble and not pod.ready and not pod.terminating]
    if not troubled:
        return Stuck(f"it does not progress: {word}", LOOK) if word else None
    alike = Counter(seen(pod.trouble) for pod in troubled if pod.trouble)
    text, count = alike.most_common(1)[0]
    first = next(pod for pod in troubled if pod.trouble and seen(pod.trouble) == text)
    more = f", the same with {count - 1} more" if count > 1 else ""
    do = _WORDS[first.trouble.kind].do.replace("POD", first.name) if first.trouble else ""
    return Stuck(f"{first.name} {text}{more}", do)
