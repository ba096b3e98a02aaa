"""What is to be said about a pool: its status, and the Events of what changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.status import Condition, EndpointPoolStatus, EndpointStatus
from poolkeeper.errors import Refused
from poolkeeper.plan.resolve import Plan
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.status.chain import Check, first
from poolkeeper.status.cold_standby import ScaleOrder
from poolkeeper.status.conditions import accepted, available, degraded, failover_active, programmed, resolved_refs
from poolkeeper.status.conditions.ready import ready
from poolkeeper.status.conditions.reconciling import reconciling
from poolkeeper.status.conditions.stalled import stalled
from poolkeeper.status.events import PoolEvent, events_of
from poolkeeper.status.facts import facts_of
from poolkeeper.status.pool_status import status_of

CHAINS: Mapping[ConditionType, tuple[Check, ...]] = {
    ConditionType.Accepted: accepted.CHECKS,
    ConditionType.ResolvedRefs: resolved_refs.CHECKS,
    ConditionType.Programmed: programmed.CHECKS,
    ConditionType.Available: available.CHECKS,
    ConditionType.Degraded: degraded.CHECKS,
    ConditionType.FailoverActive: failover_active.CHECKS,
}


@dataclass(frozen=True)
class StatusUpdate:
    """scale: what is to be done about cold standbys. again_s: when to look at them again; None: there is none."""

    status: EndpointPoolStatus
    events: tuple[PoolEvent, ...]
    scale: tuple[ScaleOrder, ...] = ()
    again_s: float | None = None


def evaluate(snapshot: Snapshot, plan: Plan, refused: Refused | None, now: datetime) -> StatusUpdate:
    facts = facts_of(snapshot, plan, refused, now)
    findings = {kind: first(checks, facts) for kind, checks in CHAINS.items()}
    findings[ConditionType.Ready] = ready(findings)
    findings[ConditionType.Stalled] = stalled(findings[ConditionType.Accepted])
    findings[ConditionType.Reconciling] = reconciling(findings[ConditionType.Ready], findings[ConditionType.Stalled])
    status = status_of(facts, findings)
    standbys = facts.standbys.values()
    return StatusUpdate(
        status,
        events_of(snapshot.previous, status),
        scale=tuple(one.order for one in standbys if one.order),
        again_s=min((one.again_s for one in standbys), default=None),
    )


def same_meaning(one: EndpointPoolStatus | None, other: EndpointPoolStatus | None) -> bool:
    """Would a reader learn anything from the other? Order and times say nothing by themselves."""
    return _meaning(one) == _meaning(other)


def _meaning(status: EndpointPoolStatus | None) -> object:
    if status is None:
        return None
    return status.model_copy(
        update={
            "conditions": sorted((_timeless(condition) for condition in status.conditions), key=lambda one: one[0]),
            "endpoints": sorted(
                (one.name, one.tier, one.region, one.health, one.breaker, one.reason, *_standby(one), *_outage(one))
                for one in status.endpoints
            ),
        }
    )


def _standby(endpoint: EndpointStatus) -> tuple[str, str, str, int]:
    one = endpoint.standby
    return (one.state, one.message, one.deployment, one.replicas) if one else ("", "", "", 0)


def _outage(endpoint: EndpointStatus) -> tuple[bool, bool]:
    return endpoint.outage_since is not None, endpoint.recovering_since is not None


def _timeless(condition: Condition) -> tuple[str, str, str, str, int | None]:
    return condition.type, condition.status, condition.reason, condition.message, condition.observed_generation
