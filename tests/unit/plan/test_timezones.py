"""The time zones in the routers' document, and how seldom they change."""

from datetime import UTC, datetime

import pytest

from factories import document, endpoint, pool, snapshot
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.rollout_hold import hold_of
from poolkeeper.plan.timezones import offsets

BERLIN_NIGHTS = {"from": "22:00", "to": "06:00", "timeZone": "Europe/Berlin", "weightPercent": 50}


def test_clocks_that_change_twice_a_year_are_reported_for_ten_years() -> None:
    found = offsets("Europe/Berlin", 2026)

    assert len(found) == 1 + 2 * 10
    assert [one.offset_s for one in found[:3]] == [3_600, 7_200, 3_600]
    assert datetime.fromtimestamp(found[1].since_s, UTC) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert datetime.fromtimestamp(found[2].since_s, UTC) == datetime(2026, 10, 25, 1, tzinfo=UTC)


def test_a_clock_that_never_changes_is_reported_once() -> None:
    assert [one.offset_s for one in offsets("Asia/Shanghai", 2026)] == [8 * 3_600]


def test_only_zones_in_use_are_reported() -> None:
    priced = {"currency": "USD", "inputPerMillion": "1", "outputPerMillion": "1"}
    window = {"from": "01:00", "to": "05:00", "timeZone": "Asia/Shanghai", "multiplierPercent": 50}
    endpoints = [endpoint("a", schedule=[BERLIN_NIGHTS]), endpoint("b", pricing={**priced, "windows": [window]})]

    assert [zone.name for zone in document(snapshot(pool(endpoints))).time_zones] == ["Asia/Shanghai", "Europe/Berlin"]
    assert document(snapshot()).time_zones == ()


def test_a_document_changes_with_the_year_and_not_with_the_day() -> None:
    of = snapshot(pool([endpoint("a", schedule=[BERLIN_NIGHTS])]))

    new_year, summer, next_year = (
        resolve(of, datetime(*day, tzinfo=UTC)) for day in ((2026, 1, 1), (2026, 7, 1), (2027, 1, 1))
    )

    assert new_year == summer
    assert new_year != next_year


@pytest.mark.parametrize("name", ["Europe/Atlantis", "Europe", "Right/Now"])
def test_a_zone_that_does_not_exist_is_reported_with_its_path(name: str) -> None:
    window = {**BERLIN_NIGHTS, "timeZone": name}

    hold = hold_of(snapshot(pool([endpoint("a"), endpoint("b", schedule=[window])])), ())

    assert hold is not None
    assert f"spec.endpoints[1].schedule[0].timeZone: seen '{name}'" in hold.message
