"""What is remembered of runs."""

from datetime import UTC, datetime, timedelta

import pytest

from poolkeeper.api.probe_document import Amount
from poolkeeper.api.probe_result import EndpointProbe, ProbePhases, ProbeResult
from poolkeeper.api.status import LastProbe
from poolkeeper.probing.history import fold_all, fresh_until
from poolkeeper.probing.window import LENGTH

START = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)


def found(why: str = "", *, name: str = "official", fingerprint: str = "aa", asked: int = 1) -> EndpointProbe:
    return EndpointProbe(name=name, fp=fingerprint, why=why, bad=1 if why and asked else 0, asked=asked)


def result(number: int, *endpoints: EndpointProbe, cost: str = "", over_budget: bool = False) -> ProbeResult:
    """The number-th run, a quarter of an hour after the one before."""
    ended = START + timedelta(minutes=15 * number)
    return ProbeResult(
        pool="default/chat",
        began=ended,
        ended=ended,
        over_budget=over_budget,
        cost=(Amount(currency="USD", amount=cost),) if cost else (),
        endpoints=endpoints or (found(),),
    )


def remembered(*results: ProbeResult) -> LastProbe:
    last = fold_all(None, results)
    assert last is not None
    return last


def test_a_run_counts_once_and_in_its_order() -> None:
    first, second = result(1, found("SlowFirstToken")), result(2, found("SlowFirstToken"))
    last = remembered(second, first)

    assert last.endpoints[0].verdict == "Grey"
    assert fold_all(last, [first, second]) == last
    assert fold_all(remembered(first), [first, second]) == last


def test_nothing_finished_is_nothing_remembered() -> None:
    assert fold_all(None, []) is None


def test_memory_is_bounded() -> None:
    last = remembered(*(result(number, found("Busy")) for number in range(20)))

    assert len(last.endpoints[0].runs) == LENGTH


def test_a_run_without_an_answer_teaches_nothing() -> None:
    before = remembered(result(1, found("SlowFirstToken")), result(2, found("SlowFirstToken")))
    last = fold_all(before, [result(3, found(asked=0), over_budget=True)])

    assert last is not None
    assert (last.outcome, last.asked_at, last.endpoints) == ("Skipped", before.asked_at, before.endpoints)
    assert "the day's budget is spent" in last.message


def test_another_endpoint_under_the_same_name_has_no_past() -> None:
    last = remembered(
        result(1, found("KeepAliveOnly")), result(2, found("KeepAliveOnly")), result(3, found(fingerprint="bb"))
    )

    assert (last.endpoints[0].verdict, len(last.endpoints[0].runs)) == ("Healthy", 1)


def with_certificate(until: str | None, *, fingerprint: str = "aa") -> EndpointProbe:
    return found(fingerprint=fingerprint).model_copy(update={"phases": ProbePhases(certificate_ends=until)})


@pytest.mark.parametrize(
    ("later", "want"),
    [
        (with_certificate("2027-03-01T10:05Z"), datetime(2027, 3, 1, 10, 5, tzinfo=UTC)),
        (with_certificate("2027-03-01T12:05+02:00"), datetime(2027, 3, 1, 10, 5, tzinfo=UTC)),
        (with_certificate(None), datetime(2026, 12, 1, 10, 5, tzinfo=UTC)),
        (found(), datetime(2026, 12, 1, 10, 5, tzinfo=UTC)),
        (found(asked=0), datetime(2026, 12, 1, 10, 5, tzinfo=UTC)),
        (with_certificate("2027-03-01"), datetime(2026, 12, 1, 10, 5, tzinfo=UTC)),
        (with_certificate("soon"), datetime(2026, 12, 1, 10, 5, tzinfo=UTC)),
        (with_certificate(None, fingerprint="bb"), None),
    ],
    ids=["renewed", "of another zone", "unknown", "no details", "not asked", "a day alone", "no time", "elsewhere"],
)
def test_a_certificate_is_remembered_until_another_is_seen(later: EndpointProbe, want: datetime | None) -> None:
    last = remembered(result(1, with_certificate("2026-12-01T10:05Z")), result(2, later))
    assert last.endpoints[0].certificate_expires == want


def test_an_endpoint_that_is_probed_no_more_is_forgotten() -> None:
    last = remembered(result(1, found(), found(name="gone")), result(2, found()))

    assert [endpoint.name for endpoint in last.endpoints] == ["official"]


def test_since_moves_with_the_probe_status_alone() -> None:
    slow = [result(number, found("SlowFirstToken")) for number in (1, 2, 3)]

    assert remembered(*slow).endpoints[0].since == slow[1].ended


def test_what_was_spent_is_added_up_for_a_day() -> None:
    """The second hour is tomorrow."""
    today = remembered(*(result(number, cost="0.1") for number in (1, 2, 3)))
    tomorrow = fold_all(today, [result(4, cost="0.2")])

    assert (today.day, today.spent[0].amount, today.cost[0].amount) == ("2026-11-22", "0.300000", "0.1")
    assert tomorrow is not None
    assert (tomorrow.day, tomorrow.spent[0].amount) == ("2026-11-23", "0.200000")


@pytest.mark.parametrize(
    ("endpoints", "want_outcome", "want_message"),
    [
        ([found()], "Passed", ""),
        (
            [found("SlowFirstToken"), found(name="b")],
            "GreyFailure",
            "official: SlowFirstToken in 1/1 requests; The first token takes longer than spec.probe.firstToken",
        ),
        (
            [found("SlowFirstToken"), found("ConnectFailed", name="b")],
            "Failed",
            "b: ConnectFailed in 1/1 requests; None of its addresses accepts a connection",
        ),
        ([found("RateLimited", asked=0)], "Skipped", "no request was sent"),
        ([found("WordOfTomorrow")], "Passed", ""),
    ],
    ids=["good", "slow", "the worst is reported", "429 says nothing", "a word of another version"],
)
def test_what_is_reported_of_the_last_run(endpoints: list[EndpointProbe], want_outcome: str, want_message: str) -> None:
    last = remembered(result(1, *endpoints))

    assert (last.outcome, last.message) == (want_outcome, want_message)


def test_what_was_found_is_believed_until_the_third_run_should_have_been_here() -> None:
    assert fresh_until("*/15 * * * *", START + timedelta(seconds=20)) == START + timedelta(minutes=55)
    assert fresh_until("0 0 30 2 *", START) is None
