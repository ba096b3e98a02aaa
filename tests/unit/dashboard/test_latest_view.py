"""What is shown while looks fail, or do not come back."""

from datetime import datetime, timedelta

import pytest

from factories import NOW
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.dashboard.facts import PoolFacts
from poolkeeper.dashboard.latest_view import STALE_AFTER, LatestView
from poolkeeper.errors import UserError

LATER = NOW + timedelta(minutes=3)


def look() -> tuple[PoolFacts, ...]:
    return (PoolFacts("default/chat", EndpointPoolStatus()),)


def failing() -> tuple[PoolFacts, ...]:
    raise UserError("no `poolkeeper run` is alive")


def at(when: datetime) -> LatestView:
    return LatestView("here", NOW).first(look, lambda: when)


def test_what_goes_wrong_at_the_first_look_is_reported_at_once() -> None:
    with pytest.raises(UserError):
        LatestView("here", NOW).first(failing, lambda: NOW)


def test_the_old_picture_stays_while_looks_fail_and_says_why_and_since_when() -> None:
    found = at(NOW).after(failing, lambda: LATER).document(LATER)

    assert (found.is_stale, found.seen_at, found.trouble) == (True, NOW, "no `poolkeeper run` is alive")
    assert [pool.name for pool in found.pools] == ["default/chat"]


def test_it_is_fresh_again_after_the_next_good_look() -> None:
    found = at(NOW).after(failing, lambda: LATER).after(look, lambda: LATER).document(LATER)

    assert (found.is_stale, found.seen_at, found.trouble) == (False, LATER, "")


@pytest.mark.parametrize(("age", "want"), [(STALE_AFTER, False), (STALE_AFTER + timedelta(seconds=1), True)])
def test_a_look_that_does_not_come_back_makes_it_stale(age: timedelta, want: bool) -> None:
    assert at(NOW).document(NOW + age).is_stale is want


def test_a_fault_of_ours_is_not_taken_for_trouble_of_the_source() -> None:
    def faulty() -> tuple[PoolFacts, ...]:
        raise KeyError("a fault")

    with pytest.raises(KeyError):
        at(NOW).after(faulty, lambda: NOW)
