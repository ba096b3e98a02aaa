"""What the watches have reported, kept small: of every object the few facts that decisions use.

Filled by the watches, by our own writes' answers (so that we read what we wrote) and by the sweep. Everything is
reported the same way, in any order and any number of times; what is older than what is known is ignored.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from poolkeeper.api.base import Problem
from poolkeeper.api.endpoint_pool import EndpointPool, EndpointPoolStatus
from poolkeeper.api.failover_policy import FailoverPolicy, FailoverPolicyStatus
from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.api.startup_hints import NO_NEWS, News
from poolkeeper.clock import precise_now
from poolkeeper.kube.json_fields import mapping
from poolkeeper.kube.kept_report import KeptReport, Moment
from poolkeeper.kube.packed import Packed
from poolkeeper.plan.snapshot import LiveDeployment, LivePod, PoolKey, RouterReport

CHILD_KINDS = (
    "ConfigMap",
    "Service",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Deployment",
    "HorizontalPodAutoscaler",
    "CronJob",
)
"""What a pool owns. What of these kinds carries the pool's label and owner is ours to write and to delete."""

LINK_KINDS = ("ReplicaSet", "Job")
"""What stands between a child and its Pods."""
LONGEST_CHAIN = 4
"""Pod, ReplicaSet, Deployment, EndpointPool."""


@dataclass(frozen=True, order=True, slots=True)
class Ref:
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class DeclaredPool:
    """An EndpointPool as it stands, packed: read it once a decision.

    policy: that it refers to; "" also when it does not parse. annotations: ours. published: its status.
    """

    generation: int
    annotations: Mapping[str, str]
    declared: Packed
    published: Packed
    policy: str = ""
    is_ending: bool = False
    """It is being deleted: nothing is done for it any more."""

    def read(self) -> tuple[EndpointPool | None, tuple[Problem, ...]]:
        """None when it does not parse; why, is beside it."""
        found = EndpointPool.parse(mapping(self.declared.value()))
        return (found, ()) if isinstance(found, EndpointPool) else (None, found)

    @property
    def status(self) -> EndpointPoolStatus | None:
        """What was published last, whether or not the spec parses; one that cannot be read is as good as none."""
        try:
            return EndpointPoolStatus.model_validate_json(self.published.text())
        except ValidationError:
            return None


@dataclass(frozen=True, slots=True)
class DeclaredPolicy:
    """As DeclaredPool."""

    generation: int
    declared: Packed
    published: Packed

    def read(self) -> tuple[FailoverPolicy | None, tuple[Problem, ...]]:
        found = FailoverPolicy.parse(mapping(self.declared.value()))
        return (found, ()) if isinstance(found, FailoverPolicy) else (None, found)

    @property
    def status(self) -> FailoverPolicyStatus | None:
        try:
            return FailoverPolicyStatus.model_validate_json(self.published.text())
        except ValidationError:
            return None


@dataclass(frozen=True, slots=True)
class Document:
    """Which router document a ConfigMap carries, and what news."""

    generation: int
    hash: str
    news: News = NO_NEWS


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Service answers inside the cluster."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Probing:
    """A CronJob that probes. made_at: None when that cannot be read."""

    made_at: datetime | None


Fact = DeclaredPool | DeclaredPolicy | Document | Address | LiveDeployment | LivePod | Probing | ProbeResult | None
"""A ProbeResult is what a finished Pod of the probe left behind."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One live object.

    pool: from its label. owner_uid, owner: its controller. digest: of what in it is ours
    (owned); if the API server does not say what that is, of all that people can edit.
    """

    ref: Ref
    uid: str
    version: int = field(compare=False)
    pool: PoolKey | None = None
    owner_uid: str = ""
    owner: str = ""
    digest: str = ""
    is_managed: bool = False
    """It carries our label of who manages it."""
    fact: Fact = None


class Store:
    def __init__(
        self, wall: Callable[[], datetime] = precise_now, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._clock_s = clock_s
        self._seen: dict[Ref, Seen] = {}
        self._of_pool: dict[PoolKey, set[Ref]] = {}
        self._by_uid: dict[str, Ref] = {}
        self._reports: dict[PoolKey, tuple[KeptReport, ...]] = {}
        self._unheard: set[Ref] = set()
        """Known from the answer to our own write; no watch has reported it yet."""

    def __len__(self) -> int:
        return len(self._seen)

    def wrote(self, seen: Seen) -> None:
        """What our own write was answered with. Somebody else's edit may be in it, too: so what the watch reports of it
        is news, though it is the same."""
        known = self._seen.get(seen.ref)
        if known and known.uid == seen.uid and known.version > seen.version:
            return
        is_reported = known is not None and known.uid == seen.uid and known.version == seen.version
        was_unheard = seen.ref in self._unheard
        self.put(seen)
        if was_unheard or not is_reported:  # a write that changed nothing has no event
            self._unheard.add(seen.ref)

    def put(self, seen: Seen) -> bool:
        """True when it means something new to those who decide."""
        known = self._seen.get(seen.ref)
        if known and known.uid == seen.uid and known.version > seen.version:
            return False
        is_unheard = seen.ref in self._unheard
        self._unheard.discard(seen.ref)
        if known and known.pool and known.pool != seen.pool:
            self._of_pool.get(known.pool, set()).discard(seen.ref)
        if known and known.uid != seen.uid:
            self._by_uid.pop(known.uid, None)
        self._seen[seen.ref] = seen
        self._by_uid[seen.uid] = seen.ref
        if seen.pool:
            self._of_pool.setdefault(seen.pool, set()).add(seen.ref)
        return is_unheard or seen != known

    def drop(self, ref: Ref, uid: str = "") -> bool:
        """Forget an object that is gone; given a uid, only if it is still that one."""
        known = self._seen.get(ref)
        if known is None or (uid and known.uid != uid):
            return False
        del self._seen[ref]
        self._unheard.discard(ref)
        self._by_uid.pop(known.uid, None)
        if known.pool:
            refs = self._of_pool.get(known.pool, set())
            refs.discard(ref)
            if not refs:
                self._of_pool.pop(known.pool, None)
                self._reports.pop(known.pool, None)
        return True

    def get(self, ref: Ref) -> Seen | None:
        return self._seen.get(ref)

    def versions(self, kind: str) -> dict[Ref, int]:
        return {ref: seen.version for ref, seen in self._seen.items() if ref.kind == kind}

    def reported(self, kind: str) -> dict[Ref, int]:
        """The same, with 0 for those that no watch has reported yet."""
        return {ref: 0 if ref in self._unheard else version for ref, version in self.versions(kind).items()}

    def pool(self, key: PoolKey) -> tuple[Seen, DeclaredPool] | None:
        seen = self._seen.get(Ref("EndpointPool", key.namespace, key.name))
        return (seen, seen.fact) if seen and isinstance(seen.fact, DeclaredPool) else None

    def policy(self, key: PoolKey) -> tuple[Seen, DeclaredPolicy] | None:
        """key: of the policy."""
        seen = self._seen.get(Ref("FailoverPolicy", key.namespace, key.name))
        return (seen, seen.fact) if seen and isinstance(seen.fact, DeclaredPolicy) else None

    def pools(self) -> tuple[PoolKey, ...]:
        return tuple(PoolKey(ref.namespace, ref.name) for ref in self._seen if ref.kind == "EndpointPool")

    def pools_using(self, policy: PoolKey) -> tuple[PoolKey, ...]:
        return tuple(sorted(key for key in self.pools() if self._policy_of(key) == policy))

    def children(self, key: PoolKey) -> tuple[Seen, ...]:
        return tuple(seen for seen in self._belonging(key) if seen.ref.kind in CHILD_KINDS)

    def pods(self, key: PoolKey) -> tuple[LivePod, ...]:
        """Of the pool's own Deployment: our labels alone make no Pod a router."""
        found = [seen.fact for seen in self._controlled(key) if isinstance(seen.fact, LivePod)]
        return tuple(sorted(found, key=lambda pod: pod.name))

    def probes(self, key: PoolKey) -> tuple[ProbeResult, ...]:
        """Of the pool's own CronJob."""
        return tuple(seen.fact for seen in self._controlled(key) if isinstance(seen.fact, ProbeResult))

    def reports(self, key: PoolKey) -> tuple[RouterReport, ...]:
        now = self._now()
        return tuple(report.whole(now) for report in self._reports.get(key, ()))

    def put_reports(self, key: PoolKey, reports: tuple[RouterReport, ...]) -> None:
        now = self._now()
        self._reports[key] = tuple(KeptReport.of(report, now) for report in reports)

    def _now(self) -> Moment:
        return Moment(self._wall(), self._clock_s())

    def _belonging(self, key: PoolKey) -> Iterator[Seen]:
        yield from (self._seen[ref] for ref in sorted(self._of_pool.get(key, ())))

    def _controlled(self, key: PoolKey) -> Iterator[Seen]:
        """Those whose chain of controllers leads to the pool."""
        pool = self.pool(key)
        yield from (seen for seen in self._belonging(key) if pool and self._leads_to(seen, pool[0].uid))

    def _leads_to(self, seen: Seen, uid: str) -> bool:
        for _ in range(LONGEST_CHAIN):
            if seen.owner_uid == uid:
                return True
            owner = self._by_uid.get(seen.owner_uid) if seen.owner_uid else None
            if owner is None:
                return False
            seen = self._seen[owner]
        return False

    def _policy_of(self, key: PoolKey) -> PoolKey | None:
        found = self.pool(key)
        return PoolKey(key.namespace, found[1].policy) if found and found[1].policy else None
