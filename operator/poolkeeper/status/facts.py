"""All that a check may look at, put together once: what is declared, what was done about it, and what routers report.

Where no router reports, health is Unknown and the breaker is what was last published: a glitch of the network must
neither close a breaker nor open it again in the Events. Where none was even asked (the operator has just started), all
of what was last published stands.

An endpoint with a backoff of some seconds that its provider set (429, busy) is not Unhealthy for that, unless the
traffic has left its tier or nothing has been answered well since: under load such backoffs come and go all the time,
and a status is no place to count them.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.router_reasons import ASLEEP, AT_REST, CHECK_FAILED
from poolkeeper.api.router_state import RouterState
from poolkeeper.api.status import Condition, ProbedEndpoint
from poolkeeper.errors import Refused
from poolkeeper.plan.cold_standby import published
from poolkeeper.plan.fresh_reports import fresh_states
from poolkeeper.plan.probe import short
from poolkeeper.plan.resolve import Plan
from poolkeeper.plan.rollout_hold import failover_to_tier
from poolkeeper.plan.snapshot import LivePod, Snapshot
from poolkeeper.probing.history import believed_until, fresh_until
from poolkeeper.status.cold_standby import Situation, StandbyFact, decide, need_of
from poolkeeper.status.endpoint_fact import EndpointFact, endpoint_facts
from poolkeeper.status.merge_replicas import active_tier
from poolkeeper.status.outage import Outage, outage


@dataclass(frozen=True)
class Facts:
    """states: fresh reports only, by Pod. active_tier: as last known (None: none can serve, or not known yet)."""

    snapshot: Snapshot
    plan: Plan
    refused: Refused | None
    now: datetime
    states: Mapping[str, RouterState]
    endpoints: tuple[EndpointFact, ...]
    active_tier: int | None
    probe_is_stale: bool = False
    standbys: Mapping[str, StandbyFact] = field(default_factory=dict)
    """Of the endpoints that are cold standbys, by name."""

    @property
    def counted(self) -> tuple[EndpointFact, ...]:
        return tuple(endpoint for endpoint in self.endpoints if endpoint.counts)

    @property
    def usable(self) -> tuple[EndpointFact, ...]:
        return tuple(endpoint for endpoint in self.endpoints if endpoint.is_usable)

    @property
    def out(self) -> tuple[EndpointFact, ...]:
        """Those that are meant to serve and do not."""
        return tuple(endpoint for endpoint in self.counted if endpoint.in_service and endpoint.is_out)

    @property
    def may_serve(self) -> tuple[EndpointFact, ...]:
        return tuple(endpoint for endpoint in self.endpoints if endpoint.may_serve)

    @property
    def is_last_resort(self) -> bool:
        """No endpoint is usable, so routers still send requests to those that only fail their health checks."""
        if self.usable or self.may_serve or self.active_tier is None:
            return False
        return any(endpoint.reason in CHECK_FAILED for endpoint in self.counted if not endpoint.is_usable)

    @property
    def primary_tier(self) -> int | None:
        """The first tier that is meant to serve."""
        return min((endpoint.tier for endpoint in self.endpoints if endpoint.in_service), default=None)

    @property
    def primary(self) -> tuple[EndpointFact, ...]:
        return tuple(one for one in self.endpoints if one.in_service and one.tier == self.primary_tier)

    @property
    def last_good(self) -> str:
        """What serves meanwhile, for messages about what cannot be rolled out."""
        generation = self.snapshot.live.document_generation
        if generation == 0:
            return "Nothing is rolled out yet"
        return f"The last good configuration (generation {generation}) keeps serving"

    def previous(self, kind: ConditionType) -> Condition | None:
        conditions = self.snapshot.previous.conditions if self.snapshot.previous else ()
        return next((condition for condition in conditions if condition.type == kind), None)

    @property
    def is_never_made(self) -> bool:
        """Something that is missing keeps routers from being made at all."""
        return self.snapshot.live.deployment is None and self.plan.document is None

    @property
    def is_unasked(self) -> bool:
        """Routers are ready, and none of them was asked yet."""
        return _is_unasked(self.snapshot)

    @property
    def ready_pods(self) -> tuple[LivePod, ...]:
        return _ready_pods(self.snapshot)


def facts_of(snapshot: Snapshot, plan: Plan, refused: Refused | None, now: datetime) -> Facts:
    states = fresh_states(snapshot, now)
    probed = _probed(snapshot, plan, now)
    endpoints = tuple(endpoint_facts(snapshot, states.values(), probed, _is_unasked(snapshot), now))
    facts = Facts(
        snapshot=snapshot,
        plan=plan,
        refused=refused,
        now=now,
        states=states,
        endpoints=endpoints,
        probe_is_stale=_probe_is_stale(snapshot, plan, now),
        active_tier=_active_tier(snapshot, states.values(), endpoints),
    )
    if facts.active_tier == facts.primary_tier:
        facts = replace(facts, endpoints=tuple(map(_without_backoff, facts.endpoints)))
    facts = replace(facts, endpoints=tuple(_with_outages(facts)))
    return replace(facts, standbys=_standbys(facts))


def _active_tier(
    snapshot: Snapshot, states: Collection[RouterState], endpoints: Collection[EndpointFact]
) -> int | None:
    """A router reports as active the tier that it would use next. When all are down that is only a half-open request
    here and there: no service. Where all requests to that tier have failed lately it is one, too: no failback."""
    if not states:
        return snapshot.previous.active_tier if snapshot.previous else None
    in_service = [endpoint for endpoint in endpoints if endpoint.in_service]
    if in_service and all(endpoint.is_cut_off or endpoint.is_down for endpoint in in_service):
        return None
    tier = active_tier(states)
    if not all(endpoint.is_failing or endpoint.is_unproven for endpoint in in_service if endpoint.tier == tier):
        return tier
    return min((endpoint.tier for endpoint in in_service if endpoint.is_usable), default=tier)


def _without_backoff(endpoint: EndpointFact) -> EndpointFact:
    has_backoff = endpoint.health == "Unhealthy" and endpoint.reason in AT_REST and endpoint.breaker == "Closed"
    return replace(endpoint, health="Healthy", reason="") if has_backoff and not endpoint.is_failing else endpoint


def _with_outages(facts: Facts) -> Iterator[EndpointFact]:
    published = facts.snapshot.previous.endpoints if facts.snapshot.previous else ()
    known = {
        one.name: Outage(one.outage_since, one.recovering_since) for one in published if one.outage_since is not None
    }
    document = facts.plan.document
    stable = timedelta(milliseconds=document.policy.failback.stabilization_ms) if document else timedelta()
    for endpoint in facts.endpoints:
        began = min((at for at in (endpoint.failing_since, endpoint.since) if at), default=facts.now)
        found = outage(known.get(endpoint.name), endpoint.evidence, began, stable, facts.now)
        yield replace(endpoint, outage=found)


def _standbys(facts: Facts) -> Mapping[str, StandbyFact]:
    """From the first tier down: one that is about to serve leaves those below it asleep."""
    snapshot, found = facts.snapshot, dict[str, StandbyFact]()
    if snapshot.pool is None or snapshot.settings.local or facts.plan.document is None:
        return found
    held = failover_to_tier(snapshot)
    for endpoint in sorted(snapshot.pool.spec.endpoints, key=lambda one: one.tier):
        if endpoint.standby is None or endpoint.mode == "Disabled":
            continue
        situation = Situation(
            namespace=snapshot.key.namespace,
            tier=endpoint.tier,
            standby=endpoint.standby,
            scale=snapshot.scales.get(endpoint.standby.deployment_ref.name),
            need=need_of(
                endpoint, facts.endpoints, found, held, bool(facts.states), _is_awaited(facts, endpoint.name), facts.now
            ),
            before=published(snapshot, endpoint.name),
            in_flight=_in_flight(facts, endpoint.name),
            now=facts.now,
        )
        found[endpoint.name] = decide(situation)
    return found


def _is_awaited(facts: Facts, name: str) -> bool:
    return any(one.name == name and one.is_awaited for state in facts.states.values() for one in state.endpoints)


def _in_flight(facts: Facts, name: str) -> int | None:
    """At routers that all drain it; None where one has not said so."""
    if {pod.name for pod in facts.ready_pods} - facts.states.keys():
        return None
    said = [one for state in facts.states.values() for one in state.endpoints if one.name == name]
    is_drained = said and all(one.reason in ("Draining", *ASLEEP) for one in said)
    return sum(one.in_flight for one in said) if is_drained else None


def _ready_pods(snapshot: Snapshot) -> tuple[LivePod, ...]:
    return tuple(pod for pod in snapshot.live.pods if pod.ready and not pod.terminating)


def _is_unasked(snapshot: Snapshot) -> bool:
    ready = {pod.name for pod in _ready_pods(snapshot)}
    return bool(ready) and not any(report.pod in ready for report in snapshot.reports)


def _probe_is_stale(snapshot: Snapshot, plan: Plan, now: datetime) -> bool:
    """A probe has reported nothing for three runs; a suspended one need not."""
    probe = snapshot.pool.spec.probe if snapshot.pool else None
    asked_at = plan.last_probe.asked_at if plan.last_probe else None
    known = [at for at in (asked_at, snapshot.live.probing_since) if at]
    if probe is None or probe.suspend or not known:
        return False
    until = fresh_until(probe.schedule, max(known))
    return until is not None and now > until


def _probed(snapshot: Snapshot, plan: Plan, now: datetime) -> Mapping[str, ProbedEndpoint]:
    """What is known from probes, and still true: of this endpoint, and not too old. By name."""
    probe, last = snapshot.pool.spec.probe if snapshot.pool else None, plan.last_probe
    if probe is None or last is None or plan.document is None:
        return {}
    current = {endpoint.name: short(endpoint.fingerprint) for endpoint in plan.document.endpoints}
    return {
        one.name: one
        for one in last.endpoints
        if current.get(one.name) == one.fingerprint
        and (until := believed_until(probe.schedule, last, one))
        and now <= until
    }
