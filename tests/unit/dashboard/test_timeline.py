"""When each breaker was open or half-open in the last hour, and which tier served."""

from datetime import datetime, timedelta

import pytest

from factories import NOW
from poolkeeper.api.router_state import RouterState
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.dashboard.facts import PoolFacts
from poolkeeper.dashboard.past import Past, Serving
from poolkeeper.dashboard.timeline import MOST_SPANS, Span, breaker_spans, tier_spans

BEGAN = NOW - timedelta(minutes=59)


def at(minute: float) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def router(*moves: tuple[float, str, str], now: str = "Closed", model: str = "m", why: str = "Busy") -> RouterState:
    """moves: minute, from, to."""
    transitions = [
        {"sequence": n, "at": at(minute), "endpoint": "a", "model": model, "from": before, "to": to, "reason": why}
        for n, (minute, before, to) in enumerate(moves, 1)
    ]
    models = [{"name": model, "breaker": now, "reason": why, "since": at(50)}]
    return RouterState.model_validate({"transitions": transitions, "endpoints": [{"name": "a", "models": models}]})


def spans(outage_since: datetime | None = None, **routers: RouterState) -> list[tuple[float, float, str, int, str]]:
    past = Past().after(PoolFacts("default/chat", EndpointPoolStatus(), routers=routers), NOW)
    found = breaker_spans("a", past, routers, outage_since, BEGAN, NOW)
    return [told(one) for one in found]


def told(one: Span) -> tuple[float, float, str, int, str]:
    begins, ends = ((edge - BEGAN).total_seconds() / 60 for edge in (one.begins, one.ends))
    return begins, ends, one.state, one.routers, one.why


OPENED = (10, "Closed", "Open")
TRIED = (20, "Open", "HalfOpen")
CLOSED = (21, "HalfOpen", "Closed")


def test_closed_all_the_time_is_no_span() -> None:
    assert spans(r=router()) == []


def test_open_then_half_open_then_closed() -> None:
    assert spans(r=router(OPENED, TRIED, CLOSED)) == [(10, 20, "Open", 1, "Busy"), (20, 21, "HalfOpen", 1, "Busy")]


def test_what_is_open_now_lasts_until_now() -> None:
    assert spans(r=router(OPENED, now="Open")) == [(10, 59, "Open", 1, "Busy")]


def test_a_breaker_that_a_router_began_with_has_no_change_but_a_state_since() -> None:
    assert spans(r=router(now="Open")) == [(50, 59, "Open", 1, "Busy")]


@pytest.mark.parametrize(("outage_minute", "want"), [(None, 0), (15, 15)])
def test_open_before_the_first_change_that_is_known(outage_minute: float | None, want: float) -> None:
    since = None if outage_minute is None else at(outage_minute)
    assert spans(since, r=router(TRIED, CLOSED))[0] == (want, 20, "Open", 1, "")


def test_the_worst_of_all_routers_and_at_how_many() -> None:
    found = spans(
        r=router(OPENED, TRIED, CLOSED), s=router((15, "Closed", "Open"), (25, "Open", "HalfOpen"), now="HalfOpen")
    )

    assert found == [
        (10, 15, "Open", 1, "Busy"),
        (15, 20, "Open", 2, "Busy"),
        (20, 25, "Open", 1, "Busy"),
        (25, 59, "HalfOpen", 1, "Busy"),
    ]


def test_a_router_that_is_gone_says_nothing_about_the_time_after_it() -> None:
    gone = PoolFacts("default/chat", EndpointPoolStatus(), routers={"r": router(OPENED, now="Open")})
    past = Past().after(gone, at(12)).after(PoolFacts("default/chat", EndpointPoolStatus()), NOW)

    assert [told(one) for one in breaker_spans("a", past, {}, None, BEGAN, NOW)] == [(10, 12, "Open", 1, "Busy")]


def test_health_and_other_endpoints_are_not_breakers() -> None:
    assert spans(r=router((10, "InService", "OutOfService"))) == []
    past = Past().after(PoolFacts("p", EndpointPoolStatus(), routers={"r": router(OPENED)}), NOW)
    assert breaker_spans("b", past, {}, None, BEGAN, NOW) == ()


def test_one_that_flaps_all_hour_is_shown_coarser_and_stays_bounded() -> None:
    moves: list[tuple[float, str, str]] = []
    for number in range(900):
        moves += [(number / 20, "Closed", "Open"), (number / 20 + 1 / 60, "Open", "Closed")]
    past = Past()
    for first in range(0, len(moves), 100):
        past = past.after(PoolFacts("p", EndpointPoolStatus(), routers={"r": router(*moves[first : first + 100])}), NOW)

    found = breaker_spans("a", past, {"r": router()}, None, BEGAN, NOW)

    assert 0 < len(found) <= MOST_SPANS
    assert {one.state for one in found} == {"Open"}
    assert all(one.begins < one.ends <= NOW for one in found)


def test_tiers_one_after_the_other_until_now() -> None:
    past = Past(tiers=(Serving(at(-5), 0), Serving(at(10), 1), Serving(at(20), None)))

    assert [((one.begins, one.ends), one.tier) for one in tier_spans(past, BEGAN, NOW)] == [
        ((at(0), at(10)), 0),
        ((at(10), at(20)), 1),
        ((at(20), NOW), None),
    ]
