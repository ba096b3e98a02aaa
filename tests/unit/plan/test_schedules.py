"""A schedule of the right form that never comes round is refused before a CronJob is."""

import pytest

from factories import OFFICIAL, pool, snapshot
from poolkeeper.plan.rollout_hold import hold_of


@pytest.mark.parametrize(
    "schedule",
    [
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 * FOO *",
        "10-5 * * * *",
        "* * * * FRI-MON",
        "* 20-8 * * *",
        "* * * * XYZ",
    ],
)
def test_a_schedule_that_never_comes_round_is_named(schedule: str) -> None:
    hold = hold_of(snapshot(pool([OFFICIAL], probe={"schedule": schedule})), ())

    assert hold is not None
    assert [problem.path for problem in hold.problems] == ["spec.probe.schedule"]
    assert schedule in hold.message


@pytest.mark.parametrize(
    "schedule",
    ["*/15 * * * *", "@hourly", "0 0 29 2 *", "0 0 30,31 1,2 *", "5-10/2 8-20 ? JAN-MAR mon-fri", "0 0 1 1 *"],
)
def test_a_schedule_that_comes_round_is_not(schedule: str) -> None:
    assert hold_of(snapshot(pool([OFFICIAL], probe={"schedule": schedule})), ()) is None
