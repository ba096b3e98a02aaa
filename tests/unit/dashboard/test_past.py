"""What the page remembers of an hour: changes of routers that are gone, tiers, keys, policies; and never too much."""

from datetime import datetime, timedelta

from factories import EARLIER, NOW
from poolkeeper.api.pool_change import PoolChange
from poolkeeper.api.router_state import RouterState
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.dashboard.facts import PoolFacts
from poolkeeper.dashboard.past import MOST, Past

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def change(sequence: int, at: datetime, **fields: object) -> dict[str, object]:
    told = {"endpoint": "a", "model": "m", "from": "Closed", "to": "Open", "reason": "Busy"}
    return {"sequence": sequence, "at": at, **told, **fields}


def router(*transitions: dict[str, object], key_changed_at: datetime | None = None) -> RouterState:
    endpoints = [{"name": "a", "keyChangedAt": key_changed_at}]
    return RouterState.model_validate({"transitions": transitions, "endpoints": endpoints})


def facts(*changed: PoolChange, routers: dict[str, RouterState] | None = None, **status: object) -> PoolFacts:
    return PoolFacts("default/chat", EndpointPoolStatus.model_validate(status), routers=routers or {}, changed=changed)


def test_what_a_router_told_before_stays_when_it_is_gone_and_is_there_once() -> None:
    first = facts(routers={"r": router(change(1, EARLIER), change(2, EARLIER + SECOND, to="HalfOpen"))})
    past = Past().after(first, NOW).after(first, NOW + SECOND).after(facts(routers={}), NOW + MINUTE)

    assert [(one.router, one.at, one.what.to) for one in past.noted] == [
        ("r", EARLIER, "Open"),
        ("r", EARLIER + SECOND, "HalfOpen"),
    ]
    assert past.seen_at == {"r": NOW + SECOND}


def test_a_router_that_starts_anew_begins_to_number_anew() -> None:
    past = Past().after(facts(routers={"r": router(change(1, EARLIER))}), NOW)
    past = past.after(facts(routers={"r": router(change(1, NOW))}), NOW)

    assert [one.at for one in past.noted] == [EARLIER, NOW]


def test_an_hour_and_no_more() -> None:
    old = PoolChange(at=EARLIER, kind="Spec", message="the spec was written", by="kubectl")
    past = Past().after(facts(old, routers={"r": router(change(1, EARLIER))}), NOW)
    past = past.after(facts(), EARLIER + timedelta(minutes=61))

    assert (past.noted, past.others, past.seen_at) == ((), (), {"r": NOW})


def test_however_much_changes_it_keeps_a_bounded_part() -> None:
    past = Past()
    for number in range(30):
        told = [change(100 * number + one, NOW + number * SECOND) for one in range(100)]
        past = past.after(facts(routers={"r": router(*told)}), NOW + number * SECOND)

    assert len(past.noted) == MOST
    assert past.noted[-1].what.sequence == 2999


def test_tiers_are_known_from_the_conditions_last_change_on() -> None:
    since = {"type": "FailoverActive", "status": "True", "reason": "PrimaryBreakerOpen", "lastTransitionTime": EARLIER}
    past = Past().after(facts(activeTier=1, conditions=[since]), NOW)
    past = past.after(facts(activeTier=1), NOW + SECOND).after(facts(), NOW + MINUTE)

    assert [(one.at, one.tier) for one in past.tiers] == [(EARLIER, 1), (NOW + MINUTE, None)]


def test_a_key_that_a_router_reads_anew_is_a_change_and_no_value_of_it_is_known() -> None:
    past = Past().after(facts(routers={"r": router(key_changed_at=EARLIER)}), NOW)
    past = past.after(facts(routers={"r": router(key_changed_at=EARLIER)}), NOW + SECOND)

    (told,) = past.others
    assert (told.kind, told.at, told.by) == ("Secret", EARLIER, "r")
    assert told.message == "a: its API key has changed, and the router uses the new one"


def test_another_policy_or_another_generation_of_it_is_a_change_once_the_first_is_known() -> None:
    def policy(generation: int) -> PoolFacts:
        return facts(effectivePolicy={"name": "standard", "generation": generation})

    past = Past().after(policy(3), NOW).after(policy(3), NOW + SECOND).after(policy(4), NOW + MINUTE)

    assert [(one.kind, one.at, one.message) for one in past.others] == [
        ("Policy", NOW + MINUTE, "policy standard is in use (generation 4)")
    ]


def test_what_the_api_server_keeps_only_as_the_last_is_remembered_and_events_are_not() -> None:
    def written(at: datetime) -> PoolChange:
        return PoolChange(at=at, kind="Spec", message="the spec was written", by="kubectl")

    event = PoolChange(at=EARLIER, kind="Event", message="Failover: tier 1 serves")
    past = Past().after(facts(written(EARLIER), event), NOW).after(facts(written(NOW), event), NOW)

    assert [(one.kind, one.at) for one in past.others] == [("Spec", EARLIER), ("Spec", NOW)]
