"""What the incident benchmark computes from what callers and providers saw."""

import asyncio
from dataclasses import replace

import pytest

from hack.bench.incidents.caller import Ended, call_all
from hack.bench.incidents.columns import better_rows
from hack.bench.incidents.day import BACKUP, HOURS, PROVIDERS, changes, is_dark
from hack.bench.incidents.figures import Figures, Seen, figures
from hack.bench.incidents.page import goals, page
from hack.bench.incidents.traffic import Due, requests
from testing.fakes.deepseek.ask import Surface
from testing.fakes.deepseek.log import Entry
from testing.fakes.harness import FakeProvider

DAY_S = 240.0
HOUR_S = DAY_S / HOURS


def ended(hour: float, problem: str = "", first_s: float = 0.1) -> Ended:
    accepted = not problem.startswith("status")
    return Ended(Due(0, hour * HOUR_S, 10, 10), first_s, 2 * first_s, problem, bool(problem), accepted)


def entry(hour: float, status: int = 200, prompt_tokens: int = 0, chunks: int = 0) -> Entry:
    return Entry(
        seq=1, connection=1, client="", sni=None, method="POST", path="/", surface=Surface.CHAT, key=None, headers={},
        in_flight=1, started_wall_s=0.0, started_monotonic_s=1000.0 + hour * HOUR_S, status=status,
        prompt_tokens=prompt_tokens, chunks=chunks,
    )  # fmt: skip


def seen(**requests: list[Entry]) -> Seen:
    return Seen({one.name: requests.get(one.name, []) for one in PROVIDERS}, {one.name: 3 for one in PROVIDERS}, 1000.0)


def measured(callers: list[Ended], providers: Seen) -> Figures:
    return figures("Poolkeeper", "1", callers, providers, DAY_S)


def test_each_request_carries_what_its_gateway_wants() -> None:
    """Portkey's configuration travels with each request: without it every answer was a 400."""
    with FakeProvider() as provider:
        asyncio.run(call_all(f"{provider.url}/v1", "sk-1", [Due(0, 0.0, 1, 1)], {"x-portkey-config": "{}"}))

        (asked,) = provider.log()
    assert (asked.key, asked.headers["x-portkey-config"]) == ("sk-1", "{}")


def test_while_nobody_is_alive_nothing_counts() -> None:
    day = measured([ended(1), ended(1, "status 503"), ended(15.6, "status 503"), ended(16.1, "status 503")], seen())

    assert (day.requests, day.answered_percent, day.broken) == (2, 50.0, 1)
    assert dict(day.problems) == {"status 503": 1}


def test_a_status_of_200_is_not_yet_an_answer() -> None:
    day = measured([ended(1), ended(1, "no end in time"), ended(1, "status 503"), ended(1, "status 500")], seen())

    assert (day.accepted_percent, day.answered_percent) == (50.0, 25.0)


def test_what_failing_over_adds_is_measured_against_the_quiet_hours() -> None:
    day = measured([ended(1, first_s=0.1), ended(6, first_s=0.15), ended(6, "status 500")], seen())

    assert day.failover_ms == pytest.approx(50)
    assert day.weak_percent == 50.0


def test_attempts_of_the_outage_are_those_of_its_time() -> None:
    day = measured([ended(15.8, "503"), ended(15.9, "503"), ended(3)], seen(official=[entry(15.8), entry(3), entry(3)]))

    assert (day.attempts, day.outage_attempts) == (1.0, 0.5)


def test_the_backup_refuses_only_what_it_could_have_answered() -> None:
    day = measured([ended(1)], seen(**{BACKUP: [entry(3, status=503), entry(15.8, status=503), entry(3)]}))

    assert (day.backup_peak, day.backup_refused) == (3, 1)


def test_a_prompt_is_paid_for_and_what_was_generated() -> None:
    official = PROVIDERS[0]
    accepted, refused = entry(1, prompt_tokens=1000, chunks=250), entry(1, status=503, prompt_tokens=1000)

    day = measured([ended(1)], seen(official=[accepted, refused]))

    assert day.cost == pytest.approx(1000 * (1000 * official.input_price + 1000 * official.output_price) / 1e6)


def test_goals_compare_with_the_single_endpoint() -> None:
    ours = measured([ended(1, first_s=0.1)], seen())
    direct = replace(measured([ended(1, first_s=1.0)], seen()), title="direct")

    by_name = {goal.name: goal for goal in goals([direct, ours])}

    assert by_name["first token p99 to the single endpoint's"].seen_text == "10 %"
    assert all(goal.is_reached for goal in by_name.values() if "failover" not in goal.name)
    assert goals([direct]) == []


def test_the_page_says_where_another_row_is_better() -> None:
    ours = measured([ended(1)], seen())
    other = replace(ours, title="other", cost=-1.0)

    assert [line for line in better_rows([ours, other], "Poolkeeper") if "other" in line] == better_rows(
        [ours, other], "Poolkeeper"
    )
    assert "*cost of 1000 answers*: other" in page({}, [ours, other], [], DAY_S)


@pytest.mark.parametrize(("first_p50_ms", "is_shown"), [(94.0, True), (96.0, False)])
def test_a_better_median_is_shown_too(first_p50_ms: float, is_shown: bool) -> None:
    ours = measured([ended(1, first_s=0.1)], seen())
    other = replace(ours, title="other", first_p50_ms=first_p50_ms)

    assert ("*first token p50 / p99*: other" in page({}, [ours, other], [], DAY_S)) is is_shown


def test_the_page_says_when_nothing_is_counted() -> None:
    assert "from 15:27 to 16:15 is not counted" in page({}, [], [], DAY_S)
    assert [is_dark(hour * HOUR_S, DAY_S) for hour in (15.4, 15.46, 16.2, 16.3)] == [False, True, True, False]


def test_a_day_is_as_long_as_it_says_and_each_provider_ends_it_well() -> None:
    last = {change.who: change for change in changes(DAY_S)}

    assert set(last) == {one.name for one in PROVIDERS}
    assert all(change.play["scenario"] == "ok" and change.at_s < DAY_S for change in last.values())
    assert is_dark(15.75 * HOUR_S, DAY_S)


def test_the_surge_is_three_times_as_dense() -> None:
    due = requests(DAY_S, 24.0)
    in_surge = sum(20.5 <= one.at_s / HOUR_S < 22 for one in due) / 1.5
    before = sum(1 <= one.at_s / HOUR_S < 20 for one in due) / 19

    assert 2.0 < in_surge / before < 4.5
