"""Does a pool's status go back and forth? Then it is published at a pace, and says so. Pure: the time is an argument.

An endpoint, or a condition, that changes MANY times within WINDOW_S is flapping, until the window has fewer. While it
does, what only it has changed is published once in pace_s, so that neither status nor Events become a flood that hides
everything else. The first changes are published at once; so is every change of anything else, and of the spec. The last
one is never lost: a status that is held back is looked at again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.status.evaluate import StatusUpdate
from poolkeeper.status.events import PoolEvent

MANY = 6
WINDOW_S = 300.0
ENDPOINT = "endpoint "
CLOSED = "Closed"


@dataclass(frozen=True)
class Damping:
    """flapping: the endpoints that flap, and how often each has changed. unreported: those not published as flapping.
    wait_s: 0 to publish now. again_s: look at the pool again after so long, None: no need."""

    flapping: Mapping[str, int] = field(default_factory=dict)
    unreported: tuple[str, ...] = ()
    wait_s: float = 0.0
    again_s: float | None = None
    pace_s: float = 0.0


@dataclass(slots=True)
class _Part:
    value: tuple[str, ...]
    changed_s: tuple[float, ...] = ()


@dataclass(slots=True)
class _Pool:
    uid: str
    parts: dict[str, _Part] = field(default_factory=dict)
    flapping: frozenset[str] = frozenset()
    reported: frozenset[str] = frozenset()
    published_s: float = float("-inf")


class Flapping:
    def __init__(self) -> None:
        self._pools: dict[PoolKey, _Pool] = {}

    def forget(self, key: PoolKey) -> None:
        self._pools.pop(key, None)

    def look(
        self,
        key: PoolKey,
        uid: str,
        published: EndpointPoolStatus | None,
        now: EndpointPoolStatus,
        now_s: float,
        pace_s: float,
    ) -> Damping:
        """pace_s: how often what flaps is published; 0: each time."""
        if not pace_s:
            return Damping()
        pool = self._pools.get(key)
        if pool is None or pool.uid != uid:
            pool = self._pools[key] = _Pool(uid)
        counts = _counts(pool, now, now_s)
        pool.flapping = frozenset(counts)
        pool.reported &= pool.flapping
        if not counts:
            return Damping()
        wait_s = max(0.0, pool.published_s + pace_s - now_s) if _is_only(published, now, pool.flapping) else 0.0
        endpoints = {part.removeprefix(ENDPOINT): n for part, n in counts.items() if part.startswith(ENDPOINT)}
        unreported = tuple(sorted(name for name in endpoints if f"{ENDPOINT}{name}" not in pool.reported))
        return Damping(endpoints, unreported, wait_s, again_s=wait_s or pace_s, pace_s=pace_s)

    def published(self, key: PoolKey, now_s: float) -> None:
        pool = self._pools.get(key)
        if pool:
            pool.published_s, pool.reported = now_s, pool.flapping


def with_flapping(update: StatusUpdate, damping: Damping) -> StatusUpdate:
    """Said once, in words that stay the same as long as it lasts."""
    if not damping.flapping:
        return update
    text = f"; flapping: {', '.join(sorted(damping.flapping))} ({MANY} changes or more in {WINDOW_S / 60:.0f} min)"
    conditions = tuple(
        condition.model_copy(update={"message": condition.message + text})
        if condition.type == ConditionType.Degraded
        else condition
        for condition in update.status.conditions
    )
    events = tuple(_event(name, damping.flapping[name], damping.pace_s) for name in damping.unreported)
    status = update.status.model_copy(update={"conditions": conditions})
    return replace(update, status=status, events=(*update.events, *events))


def _event(name: str, times: int, pace_s: float) -> PoolEvent:
    text = f"{name}: flapping, {times} times in {WINDOW_S / 60:.0f} min; reported every {pace_s:.0f} s while it lasts"
    return PoolEvent("Warning", "EndpointFlapping", text, "ReportLess")


def _counts(pool: _Pool, status: EndpointPoolStatus, now_s: float) -> dict[str, int]:
    """Of the parts that flap: how often each has changed within the window."""
    values = _swings(status)
    pool.parts = {name: part for name, part in pool.parts.items() if name in values}
    for name, value in values.items():
        part = pool.parts.setdefault(name, _Part(value))
        if part.value != value:
            part.value = value
            part.changed_s = (*part.changed_s, now_s)
        part.changed_s = tuple(at_s for at_s in part.changed_s if now_s - at_s < WINDOW_S)
    return {name: len(part.changed_s) for name, part in pool.parts.items() if len(part.changed_s) >= MANY}


def _is_only(published: EndpointPoolStatus | None, now: EndpointPoolStatus, flapping: frozenset[str]) -> bool:
    """Is all that has changed a matter of parts that flap? A run of the probe is news each time: its cost is counted
    when it is published."""
    if published is None or published.observed_generation != now.observed_generation:
        return False
    if published.last_probe != now.last_probe:
        return False
    before, after = _parts(published), _parts(now)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} <= flapping


def _swings(status: EndpointPoolStatus) -> dict[str, tuple[str, ...]]:
    """What goes back and forth when something flaps. One outage is two changes, however often its breaker is half-open
    and whatever reasons it has meanwhile."""
    endpoints = {f"{ENDPOINT}{one.name}": (one.health, str(one.breaker == CLOSED)) for one in status.endpoints}
    return {**endpoints, **{f"condition {one.type}": (one.status,) for one in status.conditions}}


def _parts(status: EndpointPoolStatus) -> dict[str, tuple[str, ...]]:
    """A standby is scaled only after its status says so: that never waits."""
    endpoints = {f"{ENDPOINT}{one.name}": (one.health, one.breaker) for one in status.endpoints}
    standbys = {
        f"standby {one.name}": (str(one.standby.replicas), str(one.standby.state == "Draining"))
        for one in status.endpoints
        if one.standby
    }
    return {**endpoints, **standbys, **{f"condition {one.type}": (one.status, one.reason) for one in status.conditions}}
