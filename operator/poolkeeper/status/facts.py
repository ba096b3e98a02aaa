"""All that a check may look at, put together once: what is declared, what was done about it, and what routers report.

Where no router reports, health is Unknown and the breaker is what was last published: a glitch of the network must
neither close a breaker nor open it again in the Events. Where none was even asked (the operator has just started), all
of what was last published stands.

An endpoint with a backoff of some seconds that its provider set (429, busy) is not Unhealthy for that, unless the
traffic has left its tier: under load such rests come and go all the time, and a status is no place to count them.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from poolkeeper.api.base import SecretKeyRef
from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.router_reasons import AT_REST, AWAITS_TRAFFIC, CHECK_FAILED, OFF_SCHEDULE
from poolkeeper.api.router_state import Breaker, EndpointState, Health, RouterState
from poolkeeper.api.status import Condition, EndpointStatus, ProbedEndpoint
from poolkeeper.errors import Refused
from poolkeeper.plan.annotations import mode_of
from poolkeeper.plan.fresh_reports import fresh_states
from poolkeeper.plan.probe import short
from poolkeeper.plan.resolve import Plan
from poolkeeper.plan.snapshot import LivePod, Snapshot
from poolkeeper.probing.history import believed_until, fresh_until, verdict_on
from poolkeeper.probing.window import Verdict
from poolkeeper.status.merge_replicas import View, active_tier, endpoint_view

NOT_PROBED = Verdict()


@dataclass(frozen=True)
class EndpointFact:
    """One endpoint as declared (in_service: Active, with a weight), and as routers see it, if that is_known.
    probe: what fresh probes say of it."""

    name: str
    tier: int
    region: str
    counts: bool
    in_service: bool
    is_known: bool
    health: Health
    breaker: Breaker
    reason: str
    since: datetime | None
    agreement: str = ""
    only_models: tuple[str, ...] = ()
    credential: SecretKeyRef | None = None
    probe: Verdict = NOT_PROBED
    probe_since: datetime | None = None

    @property
    def is_cut_off(self) -> bool:
        """Its breaker keeps requests out; one that waits for the next request does not."""
        return self.breaker != "Closed" and self.reason not in AWAITS_TRAFFIC

    @property
    def is_usable(self) -> bool:
        return self.is_known and self.in_service and self.health != "Unhealthy" and not self.is_cut_off


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

    @property
    def counted(self) -> tuple[EndpointFact, ...]:
        return tuple(endpoint for endpoint in self.endpoints if endpoint.counts)

    @property
    def usable(self) -> tuple[EndpointFact, ...]:
        return tuple(endpoint for endpoint in self.endpoints if endpoint.is_usable)

    @property
    def is_last_resort(self) -> bool:
        """No endpoint is usable, so routers still send requests to those that only fail their health checks."""
        out = (endpoint for endpoint in self.counted if not endpoint.is_usable)
        return not self.usable and self.active_tier is not None and any(one.reason in CHECK_FAILED for one in out)

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
    def is_unasked(self) -> bool:
        """Routers are ready, and none of them was asked yet."""
        return _is_unasked(self.snapshot)

    @property
    def ready_pods(self) -> tuple[LivePod, ...]:
        return _ready_pods(self.snapshot)


def facts_of(snapshot: Snapshot, plan: Plan, refused: Refused | None, now: datetime) -> Facts:
    states = fresh_states(snapshot, now)
    endpoints = tuple(_endpoints(snapshot, states.values(), _probed(snapshot, plan, now)))
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
    if facts.active_tier != facts.primary_tier:
        return facts
    return replace(facts, endpoints=tuple(map(_without_rest, facts.endpoints)))


def _active_tier(
    snapshot: Snapshot, states: Collection[RouterState], endpoints: Collection[EndpointFact]
) -> int | None:
    """A router reports as active the tier that it would use next. When all are down that is only a half-open request
    here and there: no service."""
    if not states:
        return snapshot.previous.active_tier if snapshot.previous else None
    in_service = [endpoint for endpoint in endpoints if endpoint.in_service]
    is_dark = bool(in_service) and all(endpoint.is_cut_off for endpoint in in_service)
    return None if is_dark else active_tier(states)


def _without_rest(endpoint: EndpointFact) -> EndpointFact:
    is_resting = endpoint.health == "Unhealthy" and endpoint.reason in AT_REST and endpoint.breaker == "Closed"
    return replace(endpoint, health="Healthy", reason="") if is_resting else endpoint


def _ready_pods(snapshot: Snapshot) -> tuple[LivePod, ...]:
    return tuple(pod for pod in snapshot.live.pods if pod.ready and not pod.terminating)


def _is_unasked(snapshot: Snapshot) -> bool:
    ready = {pod.name for pod in _ready_pods(snapshot)}
    return bool(ready) and not any(report.pod in ready for report in snapshot.reports)


def _endpoints(
    snapshot: Snapshot, states: Collection[RouterState], probed: Mapping[str, ProbedEndpoint]
) -> Iterator[EndpointFact]:
    previous = {endpoint.name: endpoint for endpoint in snapshot.previous.endpoints} if snapshot.previous else {}
    unasked = _is_unasked(snapshot)
    if snapshot.pool is None:  # the spec cannot be read; routers keep serving the last one
        last: Mapping[str, EndpointStatus | EndpointState] = previous or _reported(states)
        declared: list[tuple[EndpointStatus | EndpointState | Endpoint, Endpoint | None]]
        declared = [(one, None) for one in last.values()]
    else:
        declared = [(endpoint, endpoint) for endpoint in snapshot.pool.spec.endpoints]
    for known, endpoint in declared:
        name = known.name
        view = endpoint_view(states, name) or _as_published(previous.get(name), unasked)
        yield EndpointFact(
            name=name,
            tier=known.tier,
            region=known.region,
            counts=endpoint is None or endpoint.mode != "Disabled",
            in_service=_in_service(endpoint, snapshot) and view.reason != OFF_SCHEDULE,
            credential=endpoint.credentials_ref if endpoint else None,
            is_known=view.reporting > 0,
            health=view.health,
            breaker=view.breaker,
            reason=view.reason,
            since=view.since,
            agreement=f"{view.agreeing}/{view.reporting} replicas" if view.reporting else "",
            only_models=view.only_models,
            probe=verdict_on(probed[name]) if name in probed else NOT_PROBED,
            probe_since=probed[name].since if name in probed else None,
        )


def _reported(states: Collection[RouterState]) -> Mapping[str, EndpointState]:
    """What the routers keep serving, where neither spec nor status says it (a pool restored without its status)."""
    return {endpoint.name: endpoint for state in states for endpoint in state.endpoints}


def _in_service(endpoint: Endpoint | None, snapshot: Snapshot) -> bool:
    if endpoint is None:
        return True
    return mode_of(endpoint, snapshot.annotations) == "Active" and endpoint.weight > 0


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


def _as_published(previous: EndpointStatus | None, unasked: bool) -> View:
    if previous is None:
        return View("Unknown", "Closed", "", None, 0, 0)
    health = previous.health if unasked else "Unknown"
    since, models = previous.last_transition_time, previous.open_models
    return View(health, previous.breaker, previous.reason, since, 0, 0, models)
