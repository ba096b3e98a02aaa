"""A cold standby: is it to be woken, kept, or scaled back to zero? Or is it somebody else's?

The decision is a table: the first row of which all words are true says the state, and what is done. It looks at the
Deployment as it is, at the tiers above as routers report them now, and at the state that was published last. Nothing is
remembered in the process: one that starts in the middle of an outage goes on where the other one ended.

Whose replicas are they? Before this pool wakes a standby, its published status says so: which Deployment, and how many
replicas. As long as the Deployment has exactly those, they are this pool's to scale back; all others are another's. So
it is woken once in an outage: who scales it to zero in it is obeyed.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from poolkeeper.api.endpoint import Endpoint, Standby
from poolkeeper.api.status import StandbyState, StandbyStatus
from poolkeeper.api.value_types import Duration
from poolkeeper.plan.snapshot import LiveScale
from poolkeeper.status.endpoint_fact import EndpointFact

WAKING_PATIENCE = timedelta(minutes=10)
"""So long a standby of a tier above may take before one further down is woken, too."""
LOOKS_S, LOOKS_CLOSELY_S = 15.0, 2.0
"""How often its Deployment is looked at, which no watch reports; closely: while something is about to happen."""


@dataclass(frozen=True)
class ScaleOrder:
    """The replicas that a Deployment is to have, if it is still what was seen."""

    deployment: str
    replicas: int
    version: str


@dataclass(frozen=True)
class Need:
    """Is it needed, because no tier above serves? None: nobody knows. since: when the last of them failed (None: they
    were switched off by hand, so it is needed at once). is_hoped: not needed, but only because one above may be back,
    which nobody has asked."""

    is_needed: bool | None
    since: datetime | None = None
    is_hoped: bool = False


@dataclass(frozen=True)
class Situation:
    """All that the decision may look at. scale None: there is no such Deployment. before: as published last. in_flight:
    requests at it, at routers that all drain it; None: not all of them do, or not all say."""

    namespace: str
    tier: int
    standby: Standby
    scale: LiveScale | None
    need: Need
    before: StandbyStatus | None
    in_flight: int | None
    now: datetime


@dataclass(frozen=True)
class StandbyFact:
    """since: of the state. replicas: those that are this pool's, once this is published; 0: none. order: what is to be
    done now."""

    state: StandbyState
    deployment: str
    replicas: int
    message: str
    since: datetime
    order: ScaleOrder | None
    again_s: float


Word = Callable[[Situation], bool]


def is_missing(it: Situation) -> bool:
    return it.scale is None


def has_replicas(it: Situation) -> bool:
    return it.scale is not None and it.scale.replicas > 0


def is_ready(it: Situation) -> bool:
    return it.scale is not None and it.scale.ready_replicas > 0


def is_another_s(it: Situation) -> bool:
    """Somebody else set its replicas: they are not those that this pool has published before it set them."""
    return it.scale is not None and it.scale.replicas != asked_for(it)


def is_scaled_by_a_controller(it: Situation) -> bool:
    return it.scale is not None and bool(it.scale.autoscaler)


def is_refused(it: Situation) -> bool:
    return it.scale is not None and bool(it.scale.refusal)


def is_needed(it: Situation) -> bool:
    return it.need.is_needed is True


def may_be_needed(it: Situation) -> bool:
    """Where nobody knows, nothing is taken away."""
    return it.need.is_needed is not False


def is_needed_long_enough(it: Situation) -> bool:
    return it.need.since is None or it.now - it.need.since >= _span(it.standby.wake_after)


def was_put_to_zero(it: Situation) -> bool:
    """By somebody else, in this outage: it ran at the last look, and this pool scales nothing back that is needed."""
    return it.before is not None and it.before.state in RAN


def is_held_down(it: Situation) -> bool:
    """Somebody has set it to zero, and no tier above is known to serve again. That one may be back, or that nobody
    reports, is no end of the outage."""
    is_over = it.need.is_needed is False and not it.need.is_hoped
    return it.before is not None and it.before.state == "HeldDown" and not is_over


def is_announced(it: Situation) -> bool:
    """That it is woken is published, but not done yet."""
    return asked_for(it) == it.standby.replicas


def has_cooled_down(it: Situation) -> bool:
    if it.before is None or it.before.state not in ("CoolingDown", "Draining"):
        return False
    return it.before.state == "Draining" or it.now - it.before.since >= _span(it.standby.cool_down)


def has_no_request(it: Situation) -> bool:
    return it.in_flight == 0 or not is_ready(it)


RAN: Collection[StandbyState] = ("Waking", "Awake", "LeftAlone", "HeldDown")
"""It had replicas, or was held down then, at the last look."""
ANNOUNCE, WAKE, SLEEP = "announce", "wake", "sleep"
TABLE: tuple[tuple[tuple[Word, ...], StandbyState, str], ...] = (
    ((is_missing,), "Missing", ""),
    ((has_replicas, is_another_s), "LeftAlone", ""),
    ((is_scaled_by_a_controller,), "Blocked", ""),
    ((is_refused,), "Blocked", ""),
    ((has_replicas, may_be_needed, is_ready), "Awake", ""),
    ((has_replicas, may_be_needed), "Waking", ""),
    ((has_replicas, has_cooled_down, has_no_request), "Draining", SLEEP),
    ((has_replicas, has_cooled_down), "Draining", ""),
    ((has_replicas,), "CoolingDown", ""),
    ((is_held_down,), "HeldDown", ""),
    ((is_needed, was_put_to_zero), "HeldDown", ""),
    ((is_needed, is_needed_long_enough, is_announced), "Asleep", WAKE),
    ((is_needed, is_needed_long_enough), "Asleep", ANNOUNCE),
    ((), "Asleep", ""),
)
"""(words that are all true, the state as it is seen, what is done). What was done is seen at the next look. Announced
is what the status says from now on: only the look that finds it published wakes. So a process may die, or a write may
fail, at any point between: the next look does the same once more."""


def decide(it: Situation) -> StandbyFact:
    _, state, action = next(row for row in TABLE if all(word(it) for word in row[0]))
    order = _order(it, action)
    closely = order is not None or state in ("Waking", "Draining") or (state == "Asleep" and is_needed(it))
    before = it.before if it.before and it.before.state == state else None
    return StandbyFact(
        state=state,
        deployment=_deployment(it),
        replicas=_ours(it, action),
        message=_message(it, state, action),
        since=before.since if before else it.now.replace(microsecond=0),
        order=order,
        again_s=LOOKS_CLOSELY_S if closely else LOOKS_S,
    )


def _order(it: Situation, action: str) -> ScaleOrder | None:
    if action not in (WAKE, SLEEP) or it.scale is None:
        return None
    return ScaleOrder(_deployment(it), asked_for(it) if action == WAKE else 0, it.scale.version)


def asked_for(it: Situation) -> int:
    """The replicas that this pool has published as its own; 0: none, or of another Deployment."""
    return it.before.replicas if it.before is not None and it.before.deployment == _deployment(it) else 0


def _ours(it: Situation, action: str) -> int:
    if action in (ANNOUNCE, WAKE):
        return it.standby.replicas
    return asked_for(it) if has_replicas(it) and not is_another_s(it) else 0


def _deployment(it: Situation) -> str:
    return str(it.standby.deployment_ref.name)


def need_of(
    endpoint: Endpoint,
    facts: Collection[EndpointFact],
    standbys: Mapping[str, StandbyFact],
    held_tier: int | None,
    is_heard: bool,
    is_awaited: bool,
    now: datetime,
) -> Need:
    """Of the standby of this endpoint. standbys: those of tiers above, decided before. held_tier: that people hold.
    is_heard: do routers report? is_awaited: do requests wait for it? They have tried the tiers above already, so that
    nobody may be left to ask one that may be back."""
    if held_tier == endpoint.tier:
        return Need(is_heard or None)
    above = [one for one in facts if one.counts and one.tier < endpoint.tier]
    if not is_heard or any(one.in_service and not one.is_known for one in above):
        return Need(None)
    if any(_is_coming(standbys.get(one.name), now) for one in above):
        return Need(is_needed=False)
    light = [one for one in above if one.in_service and not _is_dark(one)]
    if light and not (is_awaited and all(one.is_unproven for one in light)):
        return Need(is_needed=False, is_hoped=all(one.is_unproven for one in light))
    return Need(is_needed=True, since=max((one.outage.since for one in above if one.outage), default=None))


def _is_dark(endpoint: EndpointFact) -> bool:
    """In an outage, and nothing says that it may be back: with few requests a breaker stays half-open for long after
    the last good answer. Then the next request goes there, and if it fails it is dark again."""
    if endpoint.outage is None or endpoint.outage.well_since is not None or endpoint.is_unproven:
        return False
    return endpoint.breaker != "HalfOpen" or endpoint.is_failing


def _is_coming(standby: StandbyFact | None, now: datetime) -> bool:
    if standby is None or standby.state not in ("Asleep", "Waking"):
        return False
    return standby.state == "Asleep" or now - standby.since < WAKING_PATIENCE


def _span(duration: Duration) -> timedelta:
    return timedelta(milliseconds=duration.ms)


def _message(it: Situation, state: StandbyState, action: str) -> str:
    scale, tier, replicas = it.scale, it.tier, it.standby.replicas
    name = f"Deployment {_deployment(it)}"
    if scale is None:
        return f"{name} does not exist in namespace {it.namespace}"
    has = f"{name} has {scale.replicas} replica{'' if scale.replicas == 1 else 's'}"
    if state == "LeftAlone":
        return f"{has}, which this pool did not set: it is left as it is, also when no request needs it, until it has 0"
    if state == "Blocked":
        return f"{has}. {_obstacle(scale)}"
    if state == "HeldDown":
        return f"{has}: somebody set that during this outage. Scale it up by hand if it is needed"
    if action in (ANNOUNCE, WAKE):
        return f"{name} has no replicas; it gets {replicas} now, because no tier above {tier} serves"
    return {
        "Asleep": f"{name} has no replicas; it gets {replicas} when no tier above {tier} serves",
        "Waking": f"{name} gets {replicas}, because no tier above {tier} serves; none of its Pods is ready yet",
        "Awake": f"{has}, because no tier above {tier} serves",
        "CoolingDown": f"{has}; a tier above serves again: when that has lasted for coolDown, it is scaled back to 0",
        "Draining": f"{has}; it gets no new requests, and is scaled back to 0 when the last one has ended",
    }[state]


def _obstacle(scale: LiveScale) -> str:
    if scale.autoscaler:
        return f"{scale.autoscaler} scales it, so Poolkeeper does not: remove that, or the endpoint's standby"
    return f"The operator may not scale it: add it to the chart's value standby.deployments ({scale.refusal})"
