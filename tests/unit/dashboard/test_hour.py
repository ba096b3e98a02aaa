"""An hour in memory: the worst of each minute, what was counted in it, and never more than sixty of them."""

from datetime import timedelta

import pytest

from factories import EARLIER, NOW
from poolkeeper.api.status import EndpointPoolStatus, EndpointStatus
from poolkeeper.dashboard.facts import PoolFacts
from poolkeeper.dashboard.history import History
from poolkeeper.dashboard.hour import MINUTES, Hour, Minute, State, began, state_of
from poolkeeper.dashboard.minute_view import minute_doc
from poolkeeper.diagnostics.counts import Counts

MINUTE = timedelta(minutes=1)


def asked(count: float) -> dict[str, Counts]:
    return {"a": Counts(attempts=count)}


def test_the_worst_of_a_minute_stays_and_its_counts_add_up() -> None:
    hour = Hour().after({"a": "Well"}, asked(1), NOW)
    hour = hour.after({"a": "Out"}, asked(2), NOW + timedelta(seconds=20))
    hour = hour.after({"a": "Well"}, asked(3), NOW + timedelta(seconds=59))

    last = hour.of("a", NOW)[-1]

    assert last is not None
    assert (last.state, last.counts.attempts) == ("Out", 6)


def test_the_next_minute_begins_anew() -> None:
    hour = Hour().after({"a": "Out"}, {}, NOW).after({"a": "Well"}, {}, NOW + MINUTE)

    assert [minute and minute.state for minute in hour.of("a", NOW + MINUTE)[-2:]] == ["Out", "Well"]


def test_where_nobody_looked_there_is_nothing() -> None:
    hour = Hour().after({"a": "Well"}, {}, NOW).after({"a": "Well"}, {}, NOW + 3 * MINUTE)

    assert [minute is None for minute in hour.of("a", NOW + 3 * MINUTE)[-4:]] == [False, True, True, False]


def test_it_never_holds_more_than_an_hour() -> None:
    hour = Hour()
    for number in range(300):
        hour = hour.after({"a": "Well"}, asked(1), NOW + number * MINUTE)

    assert len(hour.minutes) == MINUTES
    assert len(hour.of("a", NOW + 299 * MINUTE)) == MINUTES
    assert began(NOW) == NOW - (MINUTES - 1) * MINUTE


def test_an_endpoint_that_is_gone_has_no_new_minutes() -> None:
    hour = Hour().after({"a": "Well", "b": "Well"}, {}, NOW).after({"a": "Well"}, {}, NOW + MINUTE)

    assert hour.of("b", NOW + MINUTE)[-1] is None


STATES: list[tuple[str, str, State]] = [
    ("Healthy", "Closed", "Well"),
    ("Unhealthy", "Closed", "Out"),
    ("Unhealthy", "Open", "Out"),
    ("Unhealthy", "HalfOpen", "Trying"),
    ("Unknown", "HalfOpen", "Unknown"),
    ("Unknown", "Closed", "Unknown"),
]


@pytest.mark.parametrize(("health", "breaker", "want"), STATES)
def test_state(health: str, breaker: str, want: State) -> None:
    fields = {"name": "a", "tier": 0, "health": health, "breaker": breaker, "lastTransitionTime": EARLIER}

    assert state_of(EndpointStatus.model_validate(fields)) == want


def test_what_a_minute_shows() -> None:
    classes = {"RateLimited": 3.0, "ServerError": 2.0, "Busy": 4.0, "Connect": 1.0}
    first = {0.1: 50.0, 1.0: 100.0, float("inf"): 100.0}

    found = minute_doc(Minute("Out", Counts(110, 10, first, classes, {"USD": 0.0123456789})))

    assert (found.limited, found.server_errors, found.other_errors) == (3, 6, 1)
    assert (found.p50_ms, found.p90_ms, found.p99_ms) == (100, 820, 982)
    assert found.cost == {"USD": 0.012346}


def test_a_look_fills_the_hour_with_what_routers_counted_since_the_look_before() -> None:
    def pool(count: int) -> PoolFacts:
        text = (
            f'poolkeeper_attempts_total{{endpoint="a",gen_ai_request_model="m"}} {count}\n'
            f'poolkeeper_upstream_errors_total{{endpoint="a",class="RateLimited"}} {count - 90}\n'
            f'poolkeeper_cost_total{{endpoint="a",currency="USD"}} {count / 1000}\n'
        )
        well = {"name": "a", "tier": 0, "health": "Healthy", "breaker": "Closed", "lastTransitionTime": EARLIER}
        status = EndpointPoolStatus(endpoints=(EndpointStatus.model_validate(well),))
        return PoolFacts("default/chat", status, metrics={"r": text})

    history = History().after((pool(100),), NOW).after((pool(105),), NOW + timedelta(seconds=2))

    last = history.of("default/chat").hour.of("a", NOW)[-1]
    assert last is not None
    found = minute_doc(last)
    assert (found.state, found.requests, found.limited, found.cost) == ("Well", 5, 5, {"USD": 0.005})
