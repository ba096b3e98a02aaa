"""Named calendars: what a ConfigMap may say, what is wrong with it, and that nothing is rolled out without it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from factories import NOW, document, endpoint, pool, snapshot
from poolkeeper.api.policy_spec import FailoverPolicySpec
from poolkeeper.api.reasons import Reason
from poolkeeper.api.time_window import EPOCH
from poolkeeper.plan.calendars import wrong_with
from poolkeeper.plan.missing_references import missing_refs
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.rollout_hold import hold_of
from poolkeeper.plan.snapshot import Live, Snapshot
from poolkeeper.plan.unused_fields import without_effect
from poolkeeper.status.evaluate import evaluate

PEAK = {"from": "01:00", "to": "04:00", "weightPercent": 0, "exceptCalendars": ["cn"]}
NOTHING: Mapping[str, object] = {}
CN = {"name": "cn", "configMapRef": {"name": "holidays", "key": "cn"}}
HOLIDAYS = """\
# New Year
2027-01-01
2027-02-05/2027-02-08   # the eve, and three days

2027-02-09/2027-02-11
  2027-01-01
"""


def given(text: str | None = HOLIDAYS, window: Mapping[str, object] = NOTHING) -> Snapshot:
    """text: of the calendar; None: there is no such ConfigMap."""
    of = snapshot(pool([endpoint("a", schedule=[{**PEAK, **window}])], calendars=[CN]))
    if text is None:
        return of
    return replace(of, config_maps={"holidays": frozenset({"cn"})}, calendars={"cn": text})


def days(first: date, last: date) -> tuple[int, int]:
    return (first - EPOCH).days, (last - EPOCH).days


def test_dates_are_in_order_and_apart() -> None:
    (calendar,) = document(given()).calendars

    assert calendar.name == "cn"
    assert [(span.first_day, span.last_day) for span in calendar.spans] == [
        days(date(2027, 1, 1), date(2027, 1, 1)),
        days(date(2027, 2, 5), date(2027, 2, 11)),
    ]


def test_windows_name_calendars_and_repeat_no_dates() -> None:
    (window,) = document(given(window={"dates": ["2027-03-01"]})).endpoints[0].schedule

    assert window.except_calendars == ("cn",)
    assert [(span.first_day, span.last_day) for span in window.dates] == [days(date(2027, 3, 1), date(2027, 3, 1))]
    assert (window.calendars, window.except_dates) == ((), ())


@pytest.mark.parametrize("text", ["", "# none yet\n", "\n\n", "2027-12-31\r\n2028-02-29\r\n"])
def test_what_can_be_read(text: str) -> None:
    assert wrong_with(text) == ""


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("2027-02-30", "line 1: seen '2027-02-30' (day is out of range for month); wanted a date"),
        ("2027-02-06\n6 Feb 2027", "line 2: seen '6 Feb 2027', which is none"),
        ("2027-02-06/2027-02-05", "(the last date, 2027-02-05, is before the first)"),
        ("1900-01-01/2099-12-31", "(more than 10000 days)"),
        ("2027-13-01", "line 1: seen '2027-13-01'"),
        ("20270206", "which is none"),
        ("2027-02-06 2027-02-07", "which is none"),
        ("x" * 500, f"seen '{'x' * 40}'"),
        ("2027-02-06\n" * 1_001, "seen 1001 lines; wanted at most 1000"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(text: str, want: str) -> None:
    assert want in wrong_with(text)


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (given(None), "ConfigMap holidays of calendar cn (spec.calendars[0]) does not exist in namespace default"),
        (
            replace(given(None), config_maps={"holidays": frozenset({"de"})}),
            "ConfigMap holidays has no key cn, which calendar cn (spec.calendars[0]) needs; its keys: de",
        ),
        (given("soon"), "Calendar cn cannot be read: ConfigMap holidays, key cn: line 1: seen 'soon'"),
    ],
    ids=["no ConfigMap", "no key", "no date"],
)
def test_nothing_is_rolled_out_without_it(of: Snapshot, says: str) -> None:
    hold = hold_of(of, missing_refs(of))

    assert hold is not None
    assert hold.reason == Reason.ConfigMapNotFound
    assert says in hold.message


def test_a_missing_authority_still_holds_nothing() -> None:
    tls = {"caRef": {"name": "ca", "key": "ca.crt"}}
    of = snapshot(pool([endpoint("a", tls=tls)]))

    assert [ref.holds for ref in missing_refs(of)] == [False]
    assert hold_of(of, missing_refs(of)) is None


@pytest.mark.parametrize(
    ("window", "path", "says"),
    [
        ({"exceptCalendars": ["de"]}, "exceptCalendars", "seen 'de'; wanted a name of spec.calendars: cn"),
        ({"calendars": ["de"]}, "calendars", "seen 'de'"),
        ({"dates": ["2027-02-30"]}, "dates", "seen '2027-02-30' (day is out of range for month)"),
        ({"exceptDates": ["2027-02-06/2027-02-05"]}, "exceptDates", "is before the first"),
    ],
)
def test_dates_and_names_that_do_not_exist_are_named_with_their_path(
    window: dict[str, object], path: str, says: str
) -> None:
    hold = hold_of(given(window=window), ())

    assert hold is not None
    assert f"spec.endpoints[0].schedule[0].{path}: " in hold.message
    assert says in hold.message


def test_a_calendar_that_no_window_names_has_no_effect() -> None:
    used, idle = given().pool, given(window={"exceptCalendars": []}).pool
    assert used is not None
    assert idle is not None

    assert "calendars" not in str(without_effect(used.spec, FailoverPolicySpec()))
    assert "spec.calendars: cn (no window names it)" in without_effect(idle.spec, FailoverPolicySpec())


def test_the_condition_says_what_keeps_serving_and_the_event_comes_once() -> None:
    of = replace(given("soon"), live=Live(document_generation=7, document_hash="h"))

    first = evaluate(of, resolve(of, NOW), None, NOW)
    again = evaluate(replace(of, previous=first.status), resolve(of, NOW), None, NOW)

    found = {one.type: one for one in first.status.conditions}
    assert (found["ResolvedRefs"].status, found["ResolvedRefs"].reason) == ("False", "ConfigMapNotFound")
    assert "line 1: seen 'soon'" in found["ResolvedRefs"].message
    assert "The last good configuration (generation 7) keeps serving" in found["ResolvedRefs"].message
    assert found["Ready"].status == "False"
    assert [event.reason for event in first.events].count("ConfigMapNotFound") == 1
    assert [event.reason for event in again.events].count("ConfigMapNotFound") == 0
