"""What changed, the newest first; the same at several routers and models is one line."""

from datetime import datetime, timedelta

from factories import EARLIER, NOW
from poolkeeper.api.pool_change import PoolChange
from poolkeeper.api.router_state import RouterState
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.dashboard.change_list import MOST, change_docs
from poolkeeper.dashboard.facts import PoolFacts
from poolkeeper.dashboard.past import Past
from poolkeeper.dashboard.view_model import ChangeDoc

SECOND = timedelta(seconds=1)


def router(*changes: tuple[datetime, str, str]) -> RouterState:
    """changes: when, model, to."""
    told = [
        {"sequence": number, "at": at, "endpoint": "a", "model": model, "from": "Closed", "to": to, "reason": "Busy"}
        for number, (at, model, to) in enumerate(changes, 1)
    ]
    return RouterState.model_validate({"transitions": told})


def listed(*changed: PoolChange, **routers: RouterState) -> tuple[ChangeDoc, ...]:
    facts = PoolFacts("default/chat", EndpointPoolStatus(), routers=routers, changed=changed)
    return change_docs(Past().after(facts, NOW), facts, NOW)


def test_one_breaker_of_two_models_at_two_routers_is_one_line() -> None:
    models = ((EARLIER, "m", "Open"), (EARLIER + 3 * SECOND, "n", "Open"))
    (found,) = listed(r=router(*models), s=router(*models))

    assert (found.at, found.kind, found.endpoint, found.models, found.by) == (
        EARLIER, "Breaker", "a", ("m", "n"), ("r", "s"),
    )  # fmt: skip
    assert found.message == "is overloaded: no more requests for a while (its breaker opened)"


def test_the_same_again_is_a_line_of_its_own_and_the_newest_is_first() -> None:
    found = listed(
        r=router((EARLIER, "m", "Open"), (EARLIER + 2 * SECOND, "m", "Closed"), (EARLIER + 4 * SECOND, "m", "Open"))
    )

    assert [one.at - EARLIER for one in found] == [4 * SECOND, 2 * SECOND, 0 * SECOND]


def test_a_breaker_that_tries_and_opens_again_has_not_changed() -> None:
    moves = (("Closed", "Open"), *(100 * (("Open", "HalfOpen"), ("HalfOpen", "Open"))), ("HalfOpen", "Closed"))
    told = [
        {"sequence": n, "at": EARLIER + n * SECOND, "endpoint": "a", "model": "m", "from": before, "to": to}
        for n, (before, to) in enumerate(moves)
    ]
    found = listed(r=RouterState.model_validate({"transitions": told}))

    assert [one.at - EARLIER for one in found] == [201 * SECOND, 0 * SECOND]


def test_spec_keys_roll_outs_and_events_are_in_one_order_with_breakers() -> None:
    spec = PoolChange(at=EARLIER - SECOND, kind="Spec", message="the spec was written", by="argocd-controller")
    event = PoolChange(at=EARLIER + SECOND, kind="Event", message="Failover: tier 1 serves", by="op", is_warning=True)
    found = listed(spec, event, r=router((EARLIER, "m", "Open")))

    assert [(one.kind, one.by, one.is_warning) for one in found] == [
        ("Event", ("op",), True),
        ("Breaker", ("r",), False),
        ("Spec", ("argocd-controller",), False),
    ]


def test_a_key_that_two_routers_read_anew_is_one_line() -> None:
    def key(at: datetime, by: str) -> PoolChange:
        return PoolChange(at=at, kind="Secret", message="a: its API key has changed", by=by)

    (found,) = listed(key(EARLIER, "r"), key(EARLIER + SECOND, "s"))

    assert found.by == ("r", "s")


def test_an_hour_with_too_many_changes_is_bounded_to_the_newest() -> None:
    events = [PoolChange(at=EARLIER + n * SECOND, kind="Event", message=f"Event {n}") for n in range(3 * MOST)]
    cause = PoolChange(at=EARLIER - SECOND, kind="Spec", message="the spec was written", by="kubectl")
    found = listed(cause, *events)

    assert (len(found), found[0].message) == (MOST + 1, f"Event {3 * MOST - 1}")
    assert found[-1].kind == "Spec", "what began it is never crowded out"


def test_events_of_before_the_hour_are_left_out() -> None:
    assert listed(PoolChange(at=NOW - timedelta(hours=2), kind="Event", message="old")) == ()
