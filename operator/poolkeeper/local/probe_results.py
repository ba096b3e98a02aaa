"""Probing without a cluster: where a run leaves its result, and what is remembered when `poolkeeper run` ends.

A result is a file where a cluster has the Pod's termination message; the memory is a file where it has the status. The
last few results stay, as finished Pods do: one that is left right after another must not hide it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.api.status import LastProbe
from poolkeeper.local.state_dir import StateDir, write_atomic

KEPT = 8
"""Many more than can end between two looks."""


def results(state: StateDir) -> tuple[ProbeResult, ...]:
    """The last finished runs, scheduled or by hand, newest first."""
    return tuple(sorted(_read(state), key=lambda result: result.ended, reverse=True))


def leave(state: StateDir, message: bytes) -> None:
    """message: a result, as a Pod would leave it."""
    state.probe_results.mkdir(exist_ok=True, mode=0o700)
    ended_ms = round(ProbeResult.model_validate_json(message).ended.timestamp() * 1000)
    write_atomic(state.probe_results / f"{ended_ms:015d}-{os.getpid()}.json", message)
    for old in _files(state)[:-KEPT]:
        old.unlink(missing_ok=True)


def _read(state: StateDir) -> Iterator[ProbeResult]:
    for path in _files(state):
        try:
            yield ProbeResult.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            continue  # made room for a newer one, or not ours


def _files(state: StateDir) -> list[Path]:
    """The oldest first."""
    return sorted(state.probe_results.glob("*.json"))


def recall(state: StateDir) -> LastProbe | None:
    try:
        return LastProbe.model_validate_json(state.probe_memory.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def remember(state: StateDir, last: LastProbe) -> None:
    write_atomic(state.probe_memory, last.model_dump_json(by_alias=True, exclude_none=True).encode())
