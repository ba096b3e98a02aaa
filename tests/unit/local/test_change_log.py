"""What changed at a run's pool, kept in one small file."""

from datetime import UTC, datetime
from pathlib import Path

from poolkeeper.api.pool_change import PoolChange
from poolkeeper.local import change_log
from poolkeeper.local.change_log import MOST
from poolkeeper.local.state_dir import StateDir


def change(number: int) -> PoolChange:
    return PoolChange(at=datetime(2026, 11, 29, 2, 0, tzinfo=UTC), kind="Event", message=f"Event {number}")


def test_the_last_ones_in_order(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    for number in range(MOST + 5):
        change_log.add(state, change(number))

    assert change_log.read(state) == tuple(change(number) for number in range(5, MOST + 5))


def test_none_yet_and_what_another_version_wrote(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    assert change_log.read(state) == ()
    state.changes.write_text('{"changes": [{"at": "yesterday"}]}')
    assert change_log.read(state) == ()
