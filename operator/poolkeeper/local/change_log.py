"""What changed at a run's pool: its Events and edits of its files, for the page. The last ones, in one small file."""

from collections.abc import Sequence

from pydantic import ConfigDict, ValidationError

from poolkeeper.api.base import Model
from poolkeeper.api.pool_change import PoolChange
from poolkeeper.local.state_dir import StateDir, write_atomic

MOST = 200


class _Changes(Model):
    model_config = ConfigDict(extra="ignore")

    changes: tuple[PoolChange, ...] = ()


def add(state: StateDir, change: PoolChange) -> None:
    kept = _Changes(changes=(*read(state), change)[-MOST:])
    write_atomic(state.changes, kept.model_dump_json(by_alias=True).encode())


def read(state: StateDir) -> Sequence[PoolChange]:
    """The oldest first. None of a run of a version that writes none, or writes them differently."""
    try:
        return _Changes.model_validate_json(state.changes.read_bytes()).changes
    except (FileNotFoundError, ValidationError):
        return ()
