"""One endpoint for the checks: as declared, as routers see it together, and what fresh probes say.

Where the last request failed and none has come for QUIET, nobody can know: health is Unknown, as with a half-open
breaker that waits for a request.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from poolkeeper.api.base import SecretKeyRef
from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.router_reasons import AWAITING_TRAFFIC, AWAITS_TRAFFIC, OFF_SCHEDULE
from poolkeeper.api.router_state import Breaker, EndpointState, Health, RouterState
from poolkeeper.api.status import EndpointStatus, ProbedEndpoint
from poolkeeper.plan.data_policy import mode_in_force
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.probing.history import probe_status
from poolkeeper.probing.window import ProbeStatus
from poolkeeper.status.merge_replicas import Substitute, View, endpoint_view, substitutes
from poolkeeper.status.outage import Evidence, Outage

NOT_PROBED = ProbeStatus()
QUIET = timedelta(minutes=1)


@dataclass(frozen=True)
class EndpointFact:
    """One endpoint as declared (in_service: Active, with a weight), and as routers see it, if that is_known.
    probe: what fresh probes say of it. is_failing: the last requests failed, and no good answer has come since;
    asked_at: the last of them."""

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
    probe: ProbeStatus = NOT_PROBED
    probe_since: datetime | None = None
    is_failing: bool = False
    failing_since: datetime | None = None
    asked_at: datetime | None = None
    is_half_open_next: bool = False
    check_found: str = ""
    outage: Outage | None = None
    substitutes: tuple[Substitute, ...] = ()

    @property
    def evidence(self) -> Evidence:
        if not self.is_known:
            return "Silent"
        if not self.in_service:
            return "Away"
        if self.is_out:
            return "Bad"
        return "Good" if self.health == "Healthy" else "Unproven"

    @property
    def reasons(self) -> frozenset[str]:
        """What routers and probes say is wrong with it."""
        return frozenset({self.reason, self.probe.reason.value if self.probe.reason else ""} - {""})

    @property
    def is_unproven(self) -> bool:
        """It may be back, and nobody has asked it."""
        return self.reason in AWAITS_TRAFFIC

    @property
    def is_out(self) -> bool:
        """Something says that it does not serve, and nothing has said since that it does."""
        return self.is_known and (self.health == "Unhealthy" or self.breaker != "Closed" or self.is_unproven)

    @property
    def is_down(self) -> bool:
        """All of its last requests have failed."""
        return self.is_failing and self.health == "Unhealthy"

    @property
    def may_serve(self) -> bool:
        """Routers would send it a request, and whether it answers is not known."""
        return self.is_known and self.in_service and self.health == "Unknown" and not self.is_cut_off

    @property
    def is_cut_off(self) -> bool:
        """Its breaker keeps requests out; one that waits for the next request does not."""
        return self.breaker != "Closed" and self.reason not in AWAITS_TRAFFIC

    @property
    def is_usable(self) -> bool:
        """It is known to serve."""
        return self.is_known and self.in_service and self.health == "Healthy" and not self.is_cut_off


def endpoint_facts(
    snapshot: Snapshot,
    states: Collection[RouterState],
    probed: Mapping[str, ProbedEndpoint],
    unasked: bool,
    now: datetime,
) -> Iterator[EndpointFact]:
    """unasked: no router was asked yet."""
    previous = {endpoint.name: endpoint for endpoint in snapshot.previous.endpoints} if snapshot.previous else {}
    if snapshot.pool is None:  # the spec cannot be read; routers keep serving the last one
        last: Mapping[str, EndpointStatus | EndpointState] = previous or _reported(states)
        declared: list[tuple[EndpointStatus | EndpointState | Endpoint, Endpoint | None]]
        declared = [(one, None) for one in last.values()]
    else:
        declared = [(endpoint, endpoint) for endpoint in snapshot.pool.spec.endpoints]
    for known, endpoint in declared:
        name = known.name
        view = endpoint_view(states, name, _was_out(previous.get(name))) or _as_published(previous.get(name), unasked)
        fact = EndpointFact(
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
            probe=probe_status(probed[name]) if name in probed else NOT_PROBED,
            probe_since=probed[name].since if name in probed else None,
            is_failing=view.last_asked is not None,
            failing_since=view.failing_since,
            asked_at=view.last_asked,
            is_half_open_next=view.is_half_open_next,
            check_found=view.check_found,
            substitutes=substitutes(states, name),
        )
        yield _unproven_when_quiet(fact, now)


def _unproven_when_quiet(endpoint: EndpointFact, now: datetime) -> EndpointFact:
    is_quiet = endpoint.asked_at is not None and now - endpoint.asked_at > QUIET
    if not (endpoint.is_half_open_next and is_quiet):
        return endpoint
    return replace(endpoint, health="Unknown", reason=AWAITING_TRAFFIC, since=endpoint.asked_at)


def _was_out(previous: EndpointStatus | None) -> bool:
    return previous is not None and previous.outage_since is not None and previous.recovering_since is None


def _reported(states: Collection[RouterState]) -> Mapping[str, EndpointState]:
    """What the routers keep serving, where neither spec nor status says it (a pool restored without its status)."""
    return {endpoint.name: endpoint for state in states for endpoint in state.endpoints}


def _in_service(endpoint: Endpoint | None, snapshot: Snapshot) -> bool:
    if endpoint is None or snapshot.pool is None:
        return True
    mode = mode_in_force(snapshot.pool.spec.data_policy, endpoint, snapshot.annotations)
    return mode == "Active" and endpoint.weight > 0


def _as_published(previous: EndpointStatus | None, unasked: bool) -> View:
    if previous is None:
        return View("Unknown", "Closed", "", None, 0, 0)
    health = previous.health if unasked else "Unknown"
    since, models = previous.last_transition_time, previous.open_models
    return View(health, previous.breaker, previous.reason, since, 0, 0, models)
