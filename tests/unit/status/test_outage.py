"""One outage is one story: a time since when, one failover, and no word of health between two half-open requests."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from factories import EARLIER, NOW, condition, cut_off, document, seen, serving, snapshot, state, status_update, waiting
from poolkeeper.api.reasons import ConditionType
from poolkeeper.api.router_state import EndpointState, FailingRow, LastError
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.status.events import PoolEvent
from poolkeeper.status.outage import Evidence, Outage, outage

LOCAL = seen("local", tier=1)
STABLE = timedelta(seconds=30)


def row(first: datetime, last: datetime, attempts: int) -> FailingRow:
    return FailingRow(since=first, last_at=last, attempts=attempts)


def failing(first: datetime, last: datetime, attempts: int = 2, **says: object) -> EndpointState:
    """Between two backoffs: checks pass, and the next request goes there."""
    update = {
        "failing": row(first, last, attempts),
        "last_error": LastError.model_validate({"class": "Busy", "at": last}),
    }
    return seen("official").model_copy(update=update | says)


@dataclass(frozen=True)
class Look:
    """What the router says of official at a time, and which tier it would use next."""

    after_s: int
    official: EndpointState
    tier: int = 0


def story(*looks: Look) -> list[tuple[EndpointPoolStatus, tuple[PoolEvent, ...]]]:
    previous = None
    shown = []
    for look in looks:
        now = NOW + timedelta(seconds=look.after_s)
        one = state(document(snapshot()), look.official, LOCAL, active_tier=look.tier)
        found = status_update(replace(serving(snapshot(), one, one, at=now), previous=previous), now=now)
        previous = found.status
        shown.append((found.status, found.events))
    return shown


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


RESTING = {"health": "Unhealthy", "reason": "Busy", "since": NOW}
LOW_TRAFFIC = (
    Look(0, seen("official")),
    Look(1, failing(at(0), at(0), 1, **RESTING), tier=1),
    Look(6, failing(at(0), at(0), 1), tier=0),
    Look(9, failing(at(0), at(8), 2, **RESTING), tier=1),
    Look(19, failing(at(0), at(8), 2), tier=0),
    Look(21, failing(at(0), at(20), 3, **RESTING), tier=1),
    Look(51, failing(at(0), at(20), 3), tier=0),
)


def test_low_traffic_is_one_failover_and_one_outage() -> None:
    shown = story(*LOW_TRAFFIC)

    assert [event.reason for _, events in shown for event in events] == ["Failover"]
    assert {status.endpoints[0].outage_since for status, _ in shown[1:]} == {at(0)}


def test_between_backoffs_nobody_is_called_healthy() -> None:
    status, _ = story(*LOW_TRAFFIC)[-1]
    official = status.endpoints[0]

    assert (official.health, official.reason, official.outage_since) == ("Unhealthy", "Busy", at(0))
    assert (status.summary, status.active_tier) == ("1/2", 1)
    assert status.headline.startswith(
        "official is overloaded since 2026-11-22T08:00:00Z (Busy); tier 1 (local) serves."
    )


def test_every_view_has_the_same_sentence() -> None:
    status, events = story(LOW_TRAFFIC[0], LOW_TRAFFIC[3])[-1]
    sentence = "official is overloaded since 2026-11-22T08:00:00Z (Busy)"

    assert sentence in status.headline
    assert sentence in condition(status, ConditionType.Degraded).message
    assert sentence in condition(status, ConditionType.FailoverActive).message
    assert [event.message for event in events if event.reason == "Failover"] == [status.headline]


def test_failures_within_a_moment_are_load_and_no_outage() -> None:
    """Eight at once, in a burst: the next request decides."""
    burst = failing(at(0), at(2), 8)

    status, _ = story(Look(0, seen("official")), Look(3, burst))[-1]

    assert (status.endpoints[0].health, status.endpoints[0].outage_since) == ("Healthy", None)


def test_who_failed_last_and_was_not_asked_again_is_unknown() -> None:
    quiet = failing(at(0), at(20), 3)

    status, _ = story(Look(0, seen("official")), Look(21, failing(at(0), at(20), 3, **RESTING), 1), Look(3000, quiet))[
        -1
    ]

    official = status.endpoints[0]
    assert (official.health, official.reason, official.outage_since) == ("Unknown", "AwaitingTraffic", at(0))
    assert "may be back, after an outage since 2026-11-22T08:00:00Z: nobody has asked it since" in status.headline
    assert status.active_tier == 1


def test_a_half_open_breaker_without_traffic_is_no_recovery() -> None:
    """Its checks pass all the time, and it has answered nobody."""
    shown = story(Look(0, cut_off("official", since=at(-60)), 1), Look(3000, waiting("official", since=at(30))))
    status, events = shown[-1]

    assert (status.summary, status.active_tier, events) == ("1/2", 1, ())
    assert status.headline.startswith(
        "official may be back, after an outage since 2026-11-22T07:59:00Z: nobody has asked"
    )
    assert "well" not in status.headline


def test_a_relapse_within_the_stabilization_is_the_same_outage() -> None:
    looks = (
        Look(0, cut_off("official", since=at(-60)), 1),
        Look(10, seen("official").model_copy(update={"since": at(10)}), 1),
        Look(20, cut_off("official", since=at(20)), 1),
    )
    recovering, relapsed = (status.endpoints[0] for status, _ in story(*looks)[1:])

    assert (recovering.outage_since, recovering.recovering_since) == (at(-60), at(10))
    assert (relapsed.outage_since, relapsed.recovering_since) == (at(-60), None)


def test_after_the_stabilization_it_is_over() -> None:
    well = seen("official").model_copy(update={"since": at(10)})
    shown = story(
        Look(0, cut_off("official", since=at(-60)), 1), Look(10, well, 1), Look(39, well, 1), Look(40, well, 0)
    )

    assert [status.endpoints[0].outage_since is None for status, _ in shown] == [False, False, False, True]
    assert shown[2][0].headline.startswith("official serves again since 2026-11-22T08:00:10Z, after an outage since")
    assert shown[3][0].headline == "all is well: tier 0 serves (official)"


OUT = Outage(EARLIER)
RECOVERING = Outage(EARLIER, NOW - timedelta(seconds=10))
STEPS: dict[str, tuple[Outage | None, Evidence, Outage | None]] = {
    "well, and well again": (None, "Good", None),
    "well, and nobody has asked": (None, "Unproven", None),
    "well, and no router reports": (None, "Silent", None),
    "it begins": (None, "Bad", Outage(NOW - timedelta(seconds=5))),
    "it goes on": (OUT, "Bad", OUT),
    "no word of it": (OUT, "Silent", OUT),
    "nobody knows": (OUT, "Unproven", OUT),
    "it serves again": (OUT, "Good", Outage(EARLIER, NOW)),
    "not for long enough": (RECOVERING, "Good", RECOVERING),
    "a relapse": (RECOVERING, "Bad", OUT),
    "recovering, and nobody asks": (RECOVERING, "Unproven", OUT),
    "recovering, and no router reports": (RECOVERING, "Silent", RECOVERING),
    "for long enough": (Outage(EARLIER, NOW - STABLE), "Good", None),
    "taken out of service": (OUT, "Away", None),
}


@pytest.mark.parametrize(("before", "seen_now", "want"), STEPS.values(), ids=STEPS.keys())
def test_step(before: Outage | None, seen_now: Evidence, want: Outage | None) -> None:
    assert outage(before, seen_now, NOW - timedelta(seconds=5), STABLE, NOW) == want


def test_a_recovery_is_not_older_than_the_outage() -> None:
    """A router calls an endpoint healthy since its last breaker closed, which a refused key does not change."""
    refused = seen("official", health="Unhealthy", reason="CredentialsRejected").model_copy(update={"since": NOW})

    status, _ = story(Look(0, refused, 1), Look(20, seen("official"), 1))[-1]

    assert (status.endpoints[0].health, status.endpoints[0].last_transition_time) == ("Healthy", at(20))
