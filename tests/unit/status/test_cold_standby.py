"""Cold standbys: each row of the table by what one sees, and the whole of an outage through the status."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from factories import EARLIER, NOW, OFFICIAL, cut_off, endpoint, pool, seen, serving, snapshot, state, trying, waiting
from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.router_state import EndpointState, RouterState
from poolkeeper.api.status import EndpointPoolStatus, StandbyState, StandbyStatus
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import LiveScale, Snapshot
from poolkeeper.status.cold_standby import TABLE, Need, ScaleOrder, Situation, decide
from poolkeeper.status.evaluate import StatusUpdate, evaluate, same_meaning

LLAMA = endpoint(
    "local",
    serviceRef={"name": "llama", "port": 8000},
    tier=1,
    standby={"deploymentRef": {"name": "llama"}, "replicas": 2, "wakeAfter": "10s", "coolDown": "5m"},
)
DECLARED: Endpoint = pool([OFFICIAL, LLAMA]).spec.endpoints[1]
assert DECLARED.standby
STANDBY = DECLARED.standby
ZERO = LiveScale(replicas=0, ready_replicas=0, version="7")
WOKEN = LiveScale(replicas=2, ready_replicas=0, version="8")
READY = replace(WOKEN, ready_replicas=1)
DARK = Need(is_needed=True, since=NOW - timedelta(seconds=10))
LIGHT, UNKNOWN = Need(is_needed=False), Need(None)
HOPED = Need(is_needed=False, is_hoped=True)


def since(state: StandbyState, ago: timedelta, replicas: int = 2, deployment: str = "llama") -> StandbyStatus:
    """As published. replicas: those of this pool."""
    return StandbyStatus(state=state, since=NOW - ago, deployment=deployment, replicas=replicas)


def situation(
    scale: LiveScale | None, need: Need, before: StandbyStatus | None = None, in_flight: int | None = None
) -> Situation:
    return Situation("default", DECLARED.tier, STANDBY, scale, need, before, in_flight, NOW)


COOLED = since("CoolingDown", timedelta(minutes=5))
WAKE, SLEEP = ScaleOrder("llama", 2, "7"), ScaleOrder("llama", 0, "8")

HOUR, ANNOUNCED, WOKE = timedelta(hours=1), since("Asleep", timedelta(0)), since("Waking", timedelta(0))
HAND_DOWN = since("HeldDown", HOUR, 0)
SLEPT = since("Asleep", HOUR, 0)

# What one sees; the state, what is done, and the replicas that are this pool's from now on.
CASES: dict[str, tuple[Situation, StandbyState, ScaleOrder | None, int]] = {
    "sleeps while a tier above serves": (situation(ZERO, LIGHT), "Asleep", None, 0),
    "is announced when none has served for wakeAfter": (situation(ZERO, DARK, SLEPT), "Asleep", None, 2),
    "is woken when that is published": (situation(ZERO, DARK, ANNOUNCED), "Asleep", WAKE, 2),
    "is announced anew for another Deployment": (
        situation(ZERO, DARK, since("Asleep", HOUR, 2, "other")),
        "Asleep",
        None,
        2,
    ),
    "is announced anew for other replicas": (situation(ZERO, DARK, since("Asleep", HOUR, 1)), "Asleep", None, 2),
    "is no longer announced when a tier above serves again": (situation(ZERO, LIGHT, ANNOUNCED), "Asleep", None, 0),
    "waits for wakeAfter": (situation(ZERO, replace(DARK, since=NOW - timedelta(seconds=9))), "Asleep", None, 0),
    "is announced at once when those above were drained": (situation(ZERO, Need(is_needed=True)), "Asleep", None, 2),
    "sleeps on while nobody knows": (situation(ZERO, UNKNOWN), "Asleep", None, 0),
    "waits for its Pods": (situation(WOKEN, DARK, ANNOUNCED), "Waking", None, 2),
    "waits for its Pods on": (situation(WOKEN, DARK, WOKE), "Waking", None, 2),
    "serves": (situation(READY, DARK, WOKE), "Awake", None, 2),
    "keeps serving while nobody knows": (situation(READY, UNKNOWN, COOLED), "Awake", None, 2),
    "keeps serving with the replicas that it was woken with": (
        situation(replace(READY, replicas=1), DARK, since("Awake", HOUR, 1)),
        "Awake",
        None,
        1,
    ),
    "cools down when a tier above serves again, from then on": (
        situation(READY, LIGHT, since("Awake", HOUR)),
        "CoolingDown",
        None,
        2,
    ),
    "cools down for coolDown": (
        situation(READY, LIGHT, since("CoolingDown", timedelta(minutes=4)), 0),
        "CoolingDown",
        None,
        2,
    ),
    "gets no new requests then": (situation(READY, LIGHT, COOLED, 3), "Draining", None, 2),
    "is not scaled back while a router has not said that it drains it": (
        situation(READY, LIGHT, since("Draining", HOUR), None),
        "Draining",
        None,
        2,
    ),
    "is scaled back when the last request has ended": (
        situation(READY, LIGHT, since("Draining", timedelta(0)), 0),
        "Draining",
        SLEEP,
        2,
    ),
    "is scaled back without a Pod that is ready": (situation(WOKEN, LIGHT, COOLED), "Draining", SLEEP, 2),
    "is asleep when it was scaled back": (situation(ZERO, LIGHT, since("Draining", HOUR)), "Asleep", None, 0),
    "is announced again when the tier above fails as it was scaled back": (
        situation(ZERO, DARK, since("Draining", HOUR, 0)),
        "Asleep",
        None,
        2,
    ),
    "serves again when the tier above fails while it drains": (
        situation(READY, DARK, since("Draining", timedelta(0)), 0),
        "Awake",
        None,
        2,
    ),
    "is left alone where somebody scaled it up": (situation(READY, LIGHT, SLEPT, 0), "LeftAlone", None, 0),
    "is left alone where somebody scales it further": (
        situation(replace(READY, replicas=3), DARK, since("Awake", HOUR)),
        "LeftAlone",
        None,
        0,
    ),
    "is left alone from then on, with the same replicas, too": (
        situation(READY, LIGHT, since("LeftAlone", HOUR, 0)),
        "LeftAlone",
        None,
        0,
    ),
    "is left alone where the status was lost": (situation(READY, LIGHT), "LeftAlone", None, 0),
    "is left alone where this pool woke another Deployment": (
        situation(READY, LIGHT, since("CoolingDown", HOUR, 2, "other"), 0),
        "LeftAlone",
        None,
        0,
    ),
    "is not woken where an autoscaler scales it": (
        situation(replace(ZERO, autoscaler="HorizontalPodAutoscaler llama"), DARK),
        "Blocked",
        None,
        0,
    ),
    "is not scaled back where an autoscaler scales it": (
        situation(replace(READY, autoscaler="KEDA's ScaledObject llama"), LIGHT, COOLED, 0),
        "Blocked",
        None,
        2,
    ),
    "is not woken without permission, and not announced": (
        situation(replace(ZERO, refusal="403"), DARK, ANNOUNCED),
        "Blocked",
        None,
        0,
    ),
    "is not woken again where somebody scaled it to zero as it woke": (
        situation(ZERO, DARK, WOKE),
        "HeldDown",
        None,
        0,
    ),
    "is not woken again where somebody scaled it to zero as it served": (
        situation(ZERO, DARK, since("Awake", HOUR)),
        "HeldDown",
        None,
        0,
    ),
    "is not woken where somebody kept it awake, and scaled it to zero in the outage": (
        situation(ZERO, DARK, since("LeftAlone", HOUR, 0)),
        "HeldDown",
        None,
        0,
    ),
    "stays down in that outage": (situation(ZERO, DARK, HAND_DOWN), "HeldDown", None, 0),
    "stays down while a tier above may be back, and nobody has asked it": (
        situation(ZERO, HOPED, HAND_DOWN),
        "HeldDown",
        None,
        0,
    ),
    "stays down while nobody reports": (situation(ZERO, UNKNOWN, HAND_DOWN), "HeldDown", None, 0),
    "is not woken for a tier that nobody has asked": (situation(ZERO, HOPED, SLEPT), "Asleep", None, 0),
    "is asleep when that outage is over": (situation(ZERO, LIGHT, HAND_DOWN), "Asleep", None, 0),
    "is missing": (situation(None, DARK, since("Awake", HOUR)), "Missing", None, 0),
}


@pytest.mark.parametrize(("given", "want", "order", "ours"), CASES.values(), ids=list(CASES))
def test_a_standby(given: Situation, want: StandbyState, order: ScaleOrder | None, ours: int) -> None:
    found = decide(given)

    assert (found.state, found.order, found.deployment, found.replicas) == (want, order, "llama", ours)
    assert "llama" in found.message


def test_every_row_of_the_table_has_a_case() -> None:
    rows = [next(row for row in TABLE if all(word(given) for word in row[0])) for given, *_ in CASES.values()]

    assert [row for row in TABLE if row not in rows] == []


def test_a_state_that_lasts_keeps_its_time() -> None:
    before = since("Waking", timedelta(seconds=30))

    assert decide(situation(WOKEN, DARK, before)).since == before.since
    assert decide(situation(READY, DARK, before)).since == NOW


# What a status says, with routers that report.

POOL = pool([OFFICIAL, LLAMA, endpoint("last", tier=2)])


def looked(
    *states: RouterState, scale: LiveScale | None, previous: EndpointPoolStatus | None = None, at: datetime = NOW
) -> StatusUpdate:
    of = replace(base(scale), previous=previous)
    of = serving(of, *states, at=at)
    return evaluate(of, resolve(of, at), None, at)


def base(scale: LiveScale | None) -> Snapshot:
    return replace(snapshot(POOL), scales={"llama": scale} if scale else {})


def document_state(of: Snapshot, *endpoints: EndpointState, active: int | None) -> RouterState:
    planned = resolve(of, NOW).document
    assert planned is not None
    return state(planned, *endpoints, active_tier=active)


def asleep() -> EndpointState:
    return seen("local", 1, "Unknown", "Asleep")


def dark(scale: LiveScale = ZERO, local: EndpointState | None = None, active: int | None = 2) -> RouterState:
    return document_state(base(scale), cut_off("official"), local or asleep(), seen("last", 2), active=active)


def well(scale: LiveScale = ZERO, local: EndpointState | None = None) -> RouterState:
    return document_state(base(scale), seen("official"), local or asleep(), seen("last", 2), active=0)


def standby_of(update: StatusUpdate) -> StandbyState | None:
    row = next(row for row in update.status.endpoints if row.name == "local")
    return row.standby.state if row.standby else None


def announced(update: StatusUpdate) -> dict[str, int]:
    """The standbys that the status says are this pool's, with their replicas."""
    return {row.name: row.standby.replicas for row in update.status.endpoints if row.standby and row.standby.replicas}


def test_a_dark_tier_wakes_the_standby_below_and_says_so_in_one_event() -> None:
    first = looked(well(), scale=ZERO)
    said = looked(dark(), scale=ZERO, previous=first.status)
    woken = looked(dark(), scale=ZERO, previous=said.status)
    again = looked(dark(WOKEN), scale=WOKEN, previous=woken.status)

    assert (standby_of(first), first.scale) == ("Asleep", ())
    assert (standby_of(said), said.scale, announced(said)) == ("Asleep", (), {"local": 2})
    assert not same_meaning(first.status, said.status)
    assert (standby_of(woken), woken.scale) == ("Asleep", (ScaleOrder("llama", 2, "7"),))
    assert [event.reason for event in woken.events if "Standby" in event.reason] == []
    assert (standby_of(again), again.scale) == ("Waking", ())
    assert [event.reason for event in again.events if "Standby" in event.reason] == ["StandbyWaking"]


def test_a_standby_that_sleeps_is_no_outage() -> None:
    update = looked(well(), scale=ZERO)
    conditions = {one.type: (one.status, one.reason) for one in update.status.conditions}

    assert conditions[ConditionType.Degraded] == ("False", "AllEndpointsHealthy")
    row = next(row for row in update.status.endpoints if row.name == "local")
    assert (row.reason, row.outage_since) == ("Asleep", None)


def test_an_outage_that_has_only_begun_wakes_nobody() -> None:
    young = document_state(
        base(ZERO), cut_off("official", since=NOW - timedelta(seconds=2)), asleep(), seen("last", 2), active=2
    )

    assert announced(looked(young, scale=ZERO)) == {}
    assert announced(looked(dark(), scale=ZERO)) == {"local": 2}


@pytest.mark.parametrize(
    "official", [trying("official"), waiting("official")], ids=["half-open after a good answer", "nobody has asked it"]
)
def test_a_tier_above_that_may_be_back_lets_it_cool_down(official: EndpointState) -> None:
    awake = looked(dark(READY, seen("local", 1), 1), scale=READY, previous=looked(dark(), scale=ZERO).status)
    router = document_state(base(READY), official, seen("local", 1), seen("last", 2), active=1)

    assert standby_of(awake) == "Awake"
    assert standby_of(looked(router, scale=READY, previous=awake.status)) == "CoolingDown"


@pytest.mark.parametrize(
    ("official", "want"),
    [(trying("official"), "CoolingDown"), (waiting("official"), "Waking"), (seen("official"), "CoolingDown")],
    ids=["half-open after a good answer", "nobody has asked it", "it serves"],
)
def test_one_that_requests_wait_for_wakes_on_while_nobody_has_asked_the_tier_above(
    official: EndpointState, want: StandbyState
) -> None:
    """Requests that wait for it may have no attempt left to ask."""
    waking = seen("local", 1, "Unknown", "Waking")
    before = looked(dark(WOKEN, waking), scale=WOKEN, previous=looked(dark(), scale=ZERO).status)
    awaited = waking.model_copy(update={"is_awaited": True})
    with_waiters = document_state(base(WOKEN), official, awaited, seen("last", 2), active=2)
    without = document_state(base(WOKEN), official, waking, seen("last", 2), active=2)

    assert standby_of(before) == "Waking"
    assert standby_of(looked(with_waiters, scale=WOKEN, previous=before.status)) == want
    assert standby_of(looked(without, scale=WOKEN, previous=before.status)) == "CoolingDown"


@pytest.mark.parametrize(("is_awaited", "want"), [(True, {"local": 2}), (False, {})])
def test_requests_that_wait_wake_it_while_nobody_has_asked_the_tier_above(
    is_awaited: bool, want: dict[str, int]
) -> None:
    """Its breaker is half-open by a health check, and those who wait have tried it before that."""
    before = looked(dark(), scale=ZERO).status
    waiter = asleep().model_copy(update={"is_awaited": is_awaited})
    router = document_state(base(ZERO), waiting("official"), waiter, seen("last", 2), active=2)

    assert announced(looked(router, scale=ZERO, previous=before)) == want


def test_requests_that_wait_wake_nothing_below_a_tier_that_serves() -> None:
    waiter = asleep().model_copy(update={"is_awaited": True})
    router = document_state(base(ZERO), seen("official"), waiter, seen("last", 2), active=0)

    assert announced(looked(router, scale=ZERO, previous=looked(well(), scale=ZERO).status)) == {}


def test_a_half_open_breaker_whose_last_requests_failed_is_still_dark() -> None:
    row = {"since": EARLIER, "attempts": 9, "lastAt": NOW}
    failing = EndpointState.model_validate({**trying("official").model_dump(by_alias=True), "failing": row})
    router = document_state(base(READY), failing, seen("local", 1), seen("last", 2), active=1)

    assert standby_of(looked(router, scale=READY, previous=looked(dark(), scale=ZERO).status)) == "Awake"


def test_no_report_wakes_nobody() -> None:
    of = replace(base(ZERO), previous=looked(dark(), scale=ZERO).status)

    assert evaluate(of, resolve(of, NOW), None, NOW).scale == ()


def test_the_document_follows_the_deployment() -> None:
    def mode(scale: LiveScale | None, published: StandbyState | None = None) -> str:
        previous = looked(well(), scale=ZERO).status
        rows = tuple(
            row.model_copy(update={"standby": StandbyStatus(state=published, since=NOW)})
            if published and row.name == "local"
            else row
            for row in previous.endpoints
        )
        of = replace(base(scale), previous=previous.model_copy(update={"endpoints": rows}))
        planned = resolve(of, NOW).document
        assert planned is not None
        return next(one.mode for one in planned.endpoints if one.name == "local")

    assert mode(ZERO) == "Asleep"
    assert mode(ZERO, "Blocked") == mode(ZERO, "HeldDown") == "ScaledToZero"
    assert mode(WOKEN) == "Waking"
    assert mode(READY) == "Active"
    assert mode(READY, "CoolingDown") == "Active"
    assert mode(READY, "Draining") == "Draining"
    assert mode(None) == "Active"


def test_a_blocked_standby_is_degraded_and_a_missing_deployment_is_a_missing_reference() -> None:
    blocked = looked(well(), scale=replace(ZERO, autoscaler="HorizontalPodAutoscaler llama"))
    missing = looked(well(), scale=None)

    of_blocked = {one.type: one for one in blocked.status.conditions}
    of_missing = {one.type: one for one in missing.status.conditions}
    assert of_blocked[ConditionType.Degraded].reason == "StandbyBlocked"
    assert "HorizontalPodAutoscaler llama scales it" in of_blocked[ConditionType.Degraded].message
    assert of_missing[ConditionType.ResolvedRefs].reason == "DeploymentNotFound"


def test_what_can_be_acted_on_comes_before_an_outage_that_one_can_only_wait_for() -> None:
    held = replace(ZERO, autoscaler="HorizontalPodAutoscaler llama")
    update = looked(dark(), scale=held)
    found = next(one for one in update.status.conditions if one.type == ConditionType.Degraded)

    assert (found.status, found.reason) == ("True", "StandbyBlocked")
    assert found.message.index("HorizontalPodAutoscaler llama scales it") < found.message.index("official")
    assert update.status.headline == found.message


def test_a_refused_key_comes_before_a_blocked_standby() -> None:
    held = replace(ZERO, autoscaler="HorizontalPodAutoscaler llama")
    refused = seen("official", 0, "Unhealthy", "CredentialsRejected")
    router = document_state(base(held), refused, asleep(), seen("last", 2), active=2)
    found = next(one for one in looked(router, scale=held).status.conditions if one.type == ConditionType.Degraded)

    assert found.reason == "CredentialsRejected"


def test_a_standby_that_somebody_keeps_awake_is_said_in_accepted() -> None:
    update = looked(well(READY, seen("local", 1)), scale=READY)
    accepted = next(one for one in update.status.conditions if one.type == ConditionType.Accepted)

    assert accepted.status == "True"
    assert "local: Deployment llama has 2 replicas, which this pool did not set" in accepted.message


def test_a_standby_below_one_that_wakes_stays_asleep() -> None:
    lower = endpoint(
        "lower", serviceRef={"name": "vllm", "port": 8000}, tier=2, standby={"deploymentRef": {"name": "vllm"}}
    )
    declared = pool([OFFICIAL, LLAMA, lower])
    both = {"llama": ZERO, "vllm": replace(ZERO, version="9")}
    of = replace(snapshot(declared), scales=both)
    router = document_state(of, cut_off("official"), asleep(), seen("lower", 2, "Unknown", "Asleep"), active=None)
    of = serving(of, router)

    assert announced(evaluate(of, resolve(of, NOW), None, NOW)) == {"local": 2}

    blocked = replace(of, scales={**both, "llama": replace(ZERO, refusal="403")})
    assert announced(evaluate(blocked, resolve(blocked, NOW), None, NOW)) == {"lower": 1}


def test_a_tier_that_people_hold_is_woken_for_them() -> None:
    of = replace(base(ZERO), annotations={"poolkeeper.dev/failover-to": "1"})
    of = serving(of, well())

    assert announced(evaluate(of, resolve(of, NOW), None, NOW)) == {"local": 2}


def test_who_stops_changes_to_a_pool_stops_its_scaling() -> None:
    of = replace(base(ZERO), previous=looked(dark(), scale=ZERO).status)
    of = serving(of, dark())
    assert evaluate(of, resolve(of, NOW), None, NOW).scale == (WAKE,)

    of = replace(of, annotations={"poolkeeper.dev/paused": "true"})
    assert evaluate(of, resolve(of, NOW), None, NOW).scale == ()
