"""A run of `make chaos` goes on where an earlier one ended."""

from collections import Counter
from pathlib import Path

from hack.bench.chaos.record import Record
from testing.chaos.cases import Case
from testing.chaos.faults import NO_FAULTS, What
from testing.chaos.history import Outcome

CASE = Case("killed before writes", NO_FAULTS)


def test_what_was_played_is_known_again_with_all_that_the_page_counts(tmp_path: Path) -> None:
    record = Record(tmp_path / "new" / "record.jsonl")
    outcome = Outcome(
        lives=4,
        done=Counter({What.DROP: 3}),
        writes_at_rest=["update a"],
        wrong=["b"],
        seconds=1.5,
        version="1, content a",
    )

    record.add(CASE, outcome)

    assert record.known() == {CASE.name: outcome}


def test_of_a_history_that_was_played_twice_the_last_counts(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.jsonl")
    record.add(CASE, Outcome(wrong=["it never comes to rest"]))

    record.add(CASE, Outcome())

    assert record.known()[CASE.name].wrong == []


def test_without_a_file_nothing_is_kept() -> None:
    record = Record()
    record.add(CASE, Outcome())

    assert record.known() == {}
