"""Clients and models that nobody may serve now: by the data policy, or by what a client may use."""

from dataclasses import replace

from factories import condition, cut_off, document, endpoint, pool, seen, serving, snapshot, state, status_update
from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.router_state import EndpointState
from poolkeeper.api.status import Condition
from poolkeeper.plan.snapshot import Snapshot

CLIENTS = [
    {"name": "hospital", "keyRef": {"name": "clients", "key": "hospital"}, "allow": {"endpoints": ["own"]}},
    {"name": "web", "keyRef": {"name": "clients", "key": "web"}},
]
ACCESS = {"mode": "Keys", "clients": CLIENTS}
OFFICIAL = endpoint("official")
OWN = endpoint("own", tier=1, guarantees=["NoTraining"])
TRAINS_NOT = {"require": ["NoTraining"]}
FORBIDDEN = seen("official", health="Unknown", reason="Forbidden")
OWN_WELL = seen("own", 1)


def seen_as(given: Snapshot, *endpoints: EndpointState, active_tier: int | None = 0) -> Snapshot:
    return serving(given, *(2 * (state(document(given), *endpoints, active_tier=active_tier),)))


def degraded(given: Snapshot) -> Condition:
    return condition(status_update(given).status, ConditionType.Degraded)


def test_while_a_client_is_served_nothing_is_said() -> None:
    given = snapshot(pool([OFFICIAL, OWN], access=ACCESS))

    assert degraded(seen_as(given, seen("official"), OWN_WELL)).status == "False"


def test_a_client_whose_endpoints_are_all_out_is_named_though_others_are_served() -> None:
    given = snapshot(pool([OFFICIAL, OWN], access=ACCESS))
    found = degraded(seen_as(given, seen("official"), cut_off("own", 1)))

    assert (found.status, found.reason) == ("True", Reason.BreakerOpen)
    assert found.message.endswith(
        "client hospital gets no answer for deepseek-v4-pro, deepseek-flash: only own (breaker open) may serve it"
    )


def test_a_drained_endpoint_can_be_the_only_one_that_a_client_may_use() -> None:
    given = snapshot(pool([OFFICIAL, {**OWN, "mode": "Draining"}], access=ACCESS))
    found = degraded(seen_as(given, seen("official"), seen("own", 1, "Unknown", "Draining")))

    assert (found.status, found.reason) == ("True", Reason.NobodyMayServe)
    assert "only own (drained) may serve it" in found.message


def test_an_outage_of_all_is_not_about_a_client() -> None:
    given = snapshot(pool([OFFICIAL, OWN], access=ACCESS))
    found = degraded(seen_as(given, cut_off("official"), cut_off("own", 1), active_tier=None))

    assert "hospital" not in found.message


def test_a_policy_that_no_endpoint_meets_is_named() -> None:
    given = snapshot(pool([OFFICIAL], dataPolicy=TRAINS_NOT))
    update = status_update(seen_as(given, FORBIDDEN, active_tier=None))
    found = condition(update.status, ConditionType.Degraded)

    assert (found.status, found.reason) == ("True", Reason.NobodyMayServe)
    assert found.message == (
        "every caller gets no answer for deepseek-v4-pro, deepseek-flash: spec.dataPolicy permits none of official"
    )
    assert update.status.headline.startswith("every caller gets no answer")
    available = condition(update.status, ConditionType.Available)
    assert available.status == "False"
    assert "official (forbidden by spec.dataPolicy)" in available.message
    assert condition(update.status, ConditionType.Ready).status == "True", "the spec is what runs"


def test_a_forbidden_endpoint_beside_one_that_serves_is_no_fault() -> None:
    given = snapshot(pool([OFFICIAL, OWN], dataPolicy=TRAINS_NOT))
    update = status_update(seen_as(given, FORBIDDEN, OWN_WELL, active_tier=1))

    assert condition(update.status, ConditionType.Degraded).status == "False"
    assert condition(update.status, ConditionType.FailoverActive).status == "False"
    assert "spec.endpoints[0]" in condition(update.status, ConditionType.Accepted).message
    assert update.status.endpoints[0].reason == "Forbidden"
    assert not [event for event in update.events if event.type == "Warning"]


def test_the_permitted_one_is_down_and_the_forbidden_one_is_no_way_out() -> None:
    given = snapshot(pool([OFFICIAL, OWN], dataPolicy=TRAINS_NOT))
    found = degraded(seen_as(given, FORBIDDEN, cut_off("own", 1), active_tier=None))

    assert found.message.endswith("only own (breaker open) may serve it")


def test_while_no_router_has_said_how_it_is_an_endpoint_has_the_benefit_of_the_doubt() -> None:
    given = snapshot(pool([OFFICIAL, OWN], access=ACCESS))
    found = degraded(seen_as(given, seen("official"), seen("own", 1, "Unknown")))

    assert found.status == "False"


def test_an_event_names_the_endpoint_and_whom_it_leaves_without_an_answer() -> None:
    given = snapshot(pool([OFFICIAL, {**OWN, "mode": "Draining"}], access=ACCESS))
    now = seen_as(given, seen("official"), seen("own", 1, "Unknown", "Draining"))
    first = status_update(now)
    again = status_update(replace(now, previous=first.status))

    assert [event.reason for event in first.events if event.type == "Warning"] == [Reason.NobodyMayServe]
    assert not again.events
