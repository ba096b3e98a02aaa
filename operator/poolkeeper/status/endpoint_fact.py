"""One endpoint for the checks: as declared, as routers see it together, and what fresh probes say.

Where the last request failed and none has come for QUIET, nobody can know: health is Unknown, as with a half-open
breaker that waits for a request.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from poolkeeper.api.base import SecretKeyRef
from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.router_reasons import (
    AT_REST,
    AWAITING_TRAFFIC,
    AWAITS_TRAFFIC,
    KEY_MISSING,
    KEY_REFUSED,
    OFF_SCHEDULE,
    OUT_OF_MONEY,
)
from poolkeeper.api.router_state import Breaker, EndpointState, Health, RouterState
from poolkeeper.api.status import EndpointStatus, ProbedEndpoint
from poolkeeper.plan.cold_standby import mode_now
from poolkeeper.plan.endpoints import key_file, secret_source
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.probing.history import probe_status
from poolkeeper.probing.window import ProbeStatus
from poolkeeper.status.merge_replicas import (
    KeyView,
    Notice,
    Substitute,
    View,
    endpoint_view,
    keys_view,
    notices,
    substitutes,
)
from poolkeeper.status.outage import Evidence, Outage

NOT_PROBED = ProbeStatus()
QUIET = timedelta(minutes=1)
NEEDS_A_PERSON = KEY_MISSING | KEY_REFUSED | OUT_OF_MONEY


@dataclass(frozen=True)
class KeyFact:
    """One of several API keys that routers leave out for a reason that needs a person."""

    ref: SecretKeyRef
    reason: str
    since: datetime | None
    agreement: str

    @property
    def source(self) -> str:
        return secret_source(self.ref.name, self.ref.key)


@dataclass(frozen=True)
class EndpointFact:
    """One endpoint as declared (away: why nobody wants it to serve now, "" where somebody does), and as routers see it,
    if that is_known.
    keys_left_out: of several API keys, while others serve. mounted: those whose file the routers have.
    probe: what fresh probes say of it. is_failing: the last requests failed, and no good answer has come since;
    asked_at: the last of them."""

    name: str
    tier: int
    region: str
    counts: bool
    away: str
    is_known: bool
    health: Health
    breaker: Breaker
    reason: str
    since: datetime | None
    agreement: str = ""
    only_models: tuple[str, ...] = ()
    credential: SecretKeyRef | None = None
    keys_left_out: tuple[KeyFact, ...] = ()
    mounted: tuple[SecretKeyRef, ...] = ()
    probe: ProbeStatus = NOT_PROBED
    probe_since: datetime | None = None
    is_failing: bool = False
    failing_since: datetime | None = None
    asked_at: datetime | None = None
    is_half_open_next: bool = False
    check_found: str = ""
    retry_at: datetime | None = None
    outage: Outage | None = None
    substitutes: tuple[Substitute, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def in_service(self) -> bool:
        return not self.away

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
    def asked_to_wait_until(self) -> datetime | None:
        """Its provider has set a backoff that a person notices."""
        if self.reason not in AT_REST or self.since is None or self.retry_at is None:
            return None
        return self.retry_at if self.retry_at - self.since > QUIET else None

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
        known_keys = keys_view(states, name)
        fact = EndpointFact(
            name=name,
            tier=known.tier,
            region=known.region,
            counts=endpoint is None or endpoint.mode != "Disabled",
            away=_away(endpoint, snapshot) or (view.reason if view.reason == OFF_SCHEDULE else ""),
            credential=_first_missing(endpoint, view, known_keys),
            keys_left_out=tuple(_left_out(endpoint, known_keys)),
            mounted=tuple(_mounted(endpoint, view, known_keys)),
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
            retry_at=view.retry_at,
            substitutes=substitutes(states, name),
            notices=notices(states, name),
        )
        yield _unproven_when_quiet(fact, now)


def _left_out(endpoint: Endpoint | None, seen: Mapping[str, KeyView]) -> Iterator[KeyFact]:
    for ref in endpoint.keys if endpoint else ():
        found = seen.get(key_file(endpoint, ref)) if endpoint else None
        if found and found.reason in NEEDS_A_PERSON:
            yield KeyFact(ref, found.reason, found.since, f"{found.agreeing}/{found.reporting} replicas")


def _mounted(endpoint: Endpoint | None, view: View, seen: Mapping[str, KeyView]) -> Iterator[SecretKeyRef]:
    if endpoint is None:
        return
    if len(endpoint.keys) == 1 and view.reason not in KEY_MISSING:
        yield endpoint.keys[0]
    for ref in endpoint.keys:
        found = seen.get(key_file(endpoint, ref))
        if found and found.reason not in KEY_MISSING:
            yield ref


def _first_missing(endpoint: Endpoint | None, view: View, seen: Mapping[str, KeyView]) -> SecretKeyRef | None:
    """The key to look at where the endpoint is out for its keys: of several, the first that has that reason."""
    if endpoint is None or not endpoint.keys:
        return None
    files = {ref: key_file(endpoint, ref) for ref in endpoint.keys}
    like_it = (ref for ref in endpoint.keys if files[ref] in seen and seen[files[ref]].reason == view.reason)
    return next(like_it, endpoint.keys[0])


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


def _away(endpoint: Endpoint | None, snapshot: Snapshot) -> str:
    """By the spec, as routers may not know it yet: a mode that is not Active, or no weight."""
    if endpoint is None or snapshot.pool is None:
        return ""
    mode = mode_now(snapshot, snapshot.pool.spec, endpoint)
    if mode != "Active":
        return mode
    return "" if endpoint.weight > 0 else "Drained"


def _as_published(previous: EndpointStatus | None, unasked: bool) -> View:
    if previous is None:
        return View("Unknown", "Closed", "", None, 0, 0)
    health = previous.health if unasked else "Unknown"
    since, models = previous.last_transition_time, previous.open_models
    return View(health, previous.breaker, previous.reason, since, 0, 0, models)
