"""The figures that all benchmarks share."""

import math

import pytest

from hack.bench.figures import Goal, goals_table, percentile, share_percent, table


def test_a_percentile_of_few_values_is_one_of_them() -> None:
    assert [percentile([3.0, 1.0, 2.0], percent) for percent in (0, 50, 99, 100)] == [1.0, 2.0, 3.0, 3.0]


def test_nothing_has_no_percentile() -> None:
    assert math.isnan(percentile([], 50))


def test_a_share_of_nothing_is_nothing() -> None:
    assert (share_percent(0, 0), share_percent(1, 4)) == (0.0, 25.0)


@pytest.mark.parametrize(
    ("goal", "is_reached", "is_broken"),
    [
        (Goal("", 0.95, 0.9, at_most=False, floor=0.5), True, False),
        (Goal("", 0.6, 0.9, at_most=False, floor=0.5), False, False),
        (Goal("", 0.4, 0.9, at_most=False, floor=0.5), False, True),
        (Goal("", 1.2, 1.0, at_most=True, floor=1.5), False, False),
        (Goal("", 1.6, 1.0, at_most=True, floor=1.5), False, True),
        (Goal("", 9.9, 1.0, at_most=True), False, False),
        (Goal("", math.nan, 1.0, at_most=True), False, False),
    ],
)
def test_a_floor_is_on_the_side_of_the_goal(goal: Goal, is_reached: bool, is_broken: bool) -> None:
    assert (goal.is_reached, goal.is_broken) == (is_reached, is_broken)


def test_goals_are_a_table() -> None:
    printed = goals_table([Goal("delay", 12.4, 10, at_most=True, unit=" ms", digits=0)])

    assert printed.splitlines()[2] == "| delay | 12 ms | ≤ 10 ms | **not reached** |"


def test_numbers_are_aligned_to_the_right_and_words_are_not() -> None:
    assert table(["a", "b"], [["x", "1"]]).splitlines() == ["| a | b |", "| --- | ---: |", "| x | 1 |"]
    assert table(["a", "b"], [], right=False).splitlines()[1] == "| --- | --- |"
