"""Model names that end: found 30 days before, and after; said once by an Event, and by Accepted as long as it is so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from factories import NOW, endpoint, pool, snapshot
from poolkeeper.plan.ending_models import ending_models
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.rollout_hold import hold_of
from poolkeeper.plan.snapshot import Snapshot
from poolkeeper.status.evaluate import StatusUpdate, evaluate

LAST = datetime(2027, 1, 31, tzinfo=UTC)


def named(until: str = "2027-01-31", **fields: object) -> Snapshot:
    models = [{"name": "deepseek-flash", "upstreamName": "deepseek-v4-flash", "validUntil": until}]
    return snapshot(pool([endpoint("official", models=models, **fields), endpoint("other")]))


def judged(of: Snapshot, now: datetime, before: StatusUpdate | None = None) -> StatusUpdate:
    seen = replace(of, previous=before.status if before else None)
    return evaluate(seen, resolve(seen, now), None, now)


def accepted(update: StatusUpdate) -> str:
    return next(one.message for one in update.status.conditions if one.type == "Accepted")


def happened(update: StatusUpdate) -> list[tuple[str, str]]:
    return [(event.reason, event.message) for event in update.events if event.reason.startswith("Model")]


@pytest.mark.parametrize(
    ("days", "want"),
    [(-31, []), (-30, [False]), (-1, [False]), (0, [False]), (1, [True]), (400, [True])],
)
def test_it_ends_soon_for_thirty_days_and_has_ended_after_its_last_day(days: int, want: list[bool]) -> None:
    of = named().pool
    assert of is not None

    for hour in (0, 23):
        found = ending_models(of.spec, LAST + timedelta(days=days, hours=hour))
        assert [one.has_ended for one in found] == want


def test_the_day_is_that_of_utc() -> None:
    of = named().pool
    assert of is not None
    in_shanghai = datetime.fromisoformat("2027-02-01T07:59:00+08:00")

    assert [one.has_ended for one in ending_models(of.spec, in_shanghai)] == [False]


def test_an_event_comes_once_before_and_once_after_and_accepted_says_it_all_the_time() -> None:
    of, update, shown = named(), None, []
    for day in range(-35, 5):
        update = judged(of, LAST + timedelta(days=day), update)
        shown += [(day, *event) for event in happened(update)]

    assert update is not None
    name, last = "official: the model name deepseek-v4-flash", "its last day is 2027-01-31"
    successor = "give models[].upstreamName its successor"
    assert shown == [
        (-30, "ModelEnding", f"{name} ends: {last}; {successor}"),
        (1, "ModelEnded", f"{name} has ended: {last}; {successor}"),
    ]
    assert accepted(update) == "Accepted; model names that have ended: deepseek-v4-flash of official (2027-01-31)"
    assert [one.upstream_name for one in update.status.ending_models] == ["deepseek-v4-flash"]


def test_the_sentence_stays_the_same_from_day_to_day() -> None:
    first, later = (accepted(judged(named(), LAST - timedelta(days=days))) for days in (30, 0))

    assert first == later == "Accepted; model names that end soon: deepseek-v4-flash of official (2027-01-31)"


def test_it_is_a_reminder_and_changes_no_document() -> None:
    before, after = (resolve(named(), LAST + timedelta(days=days)).document for days in (-3, 3))

    assert before == after
    assert judged(named(), LAST + timedelta(days=3)).status.conditions[0].status == "True"


def test_a_disabled_endpoint_is_not_named() -> None:
    of = named(mode="Disabled").pool
    assert of is not None

    assert ending_models(of.spec, LAST) == ()


def test_a_day_that_does_not_exist_is_refused_with_its_path() -> None:
    hold = hold_of(named("2027-02-29"), ())

    assert hold is not None
    assert "spec.endpoints[0].models[0].validUntil: seen '2027-02-29', a day that does not exist" in hold.message


def test_many_names_make_no_endless_sentence() -> None:
    models = [{"name": f"m{number}", "validUntil": "2026-12-01"} for number in range(40)]
    of = snapshot(pool([endpoint("official", models=models)], models=[f"m{number}" for number in range(40)]))

    shown = accepted(judged(of, NOW))

    assert shown.endswith(" and 35 more")
    assert len(judged(of, NOW).status.ending_models) == 40
