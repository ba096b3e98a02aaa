"""What the page remembers of the last hour beside its counts: changes of breakers as routers report them, which tier
served, what was changed by people and roll-outs. In its own memory, and bounded.

Routers remember their last changes themselves, so most of the hour before the page was opened is there from its first
look on. A router keeps 128 of them and forgets all when it starts anew; the page does not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from poolkeeper.api.pool_change import PoolChange
from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.router_state import Transition
from poolkeeper.dashboard.facts import PoolFacts

KEPT = timedelta(hours=1)
MOST = 2_000
MOST_TIERS = 200


@dataclass(frozen=True)
class Noted:
    """One change at one router."""

    router: str
    at: datetime
    what: Transition


@dataclass(frozen=True)
class Serving:
    """From then on this tier served; None: none."""

    at: datetime
    tier: int | None


@dataclass(frozen=True)
class Past:
    """seen_at: by router, when it last reported. others: what nobody reports a second time. policy: the last one in
    use, by its name and generation."""

    noted: tuple[Noted, ...] = ()
    seen_at: Mapping[str, datetime] = field(default_factory=dict)
    tiers: tuple[Serving, ...] = ()
    others: tuple[PoolChange, ...] = ()
    policy: tuple[str, int] | None = None

    def after(self, pool: PoolFacts, now: datetime) -> "Past":
        since = now - KEPT
        seen_at = {**self.seen_at, **dict.fromkeys(pool.routers, now)}
        effective = pool.status.effective_policy
        policy = (effective.name, effective.generation) if effective else self.policy
        fresh = (*pool.changed, *_keys(pool), *_policy(self.policy, policy, now))
        others = dict.fromkeys((*self.others, *(one for one in fresh if one.kind != "Event")))
        return Past(
            noted=_noted((*self.noted, *_reported(pool)), since),
            seen_at={router: at for router, at in seen_at.items() if at >= since},
            tiers=self._tiers(pool, now)[-MOST_TIERS:],
            others=tuple(sorted((one for one in others if one.at >= since), key=lambda one: one.at))[-MOST:],
            policy=policy,
        )

    def _tiers(self, pool: PoolFacts, now: datetime) -> tuple[Serving, ...]:
        """The first look also knows since when the condition has been what it is."""
        tier = pool.status.active_tier
        if not self.tiers:
            return (Serving(min(now, _failover_since(pool) or now), tier),)
        return self.tiers if self.tiers[-1].tier == tier else (*self.tiers, Serving(now, tier))


def _reported(pool: PoolFacts) -> Iterator[Noted]:
    for router, state in pool.routers.items():
        for what in state.transitions:
            if what.at:
                yield Noted(router, what.at, what)


def _noted(all_of_them: Iterable[Noted], since: datetime) -> tuple[Noted, ...]:
    """Each once, the oldest first."""
    each = {(one.router, one.at, one.what.sequence): one for one in all_of_them if one.at >= since}
    return tuple(sorted(each.values(), key=lambda one: (one.at, one.router, one.what.sequence)))[-MOST:]


def _keys(pool: PoolFacts) -> Iterator[PoolChange]:
    for router, state in pool.routers.items():
        for endpoint in state.endpoints:
            if endpoint.key_changed_at:
                message = f"{endpoint.name}: its API key has changed, and the router uses the new one"
                yield PoolChange(at=endpoint.key_changed_at, kind="Secret", message=message, by=router)


def _policy(before: tuple[str, int] | None, now_used: tuple[str, int] | None, now: datetime) -> Iterator[PoolChange]:
    if before and now_used and before != now_used:
        name, generation = now_used
        message = f"policy {name} is in use (generation {generation})" if name else "the built-in policy is in use"
        yield PoolChange(at=now, kind="Policy", message=message)


def _failover_since(pool: PoolFacts) -> datetime | None:
    kind = ConditionType.FailoverActive
    return next((one.last_transition_time for one in pool.status.conditions if one.type == kind), None)
