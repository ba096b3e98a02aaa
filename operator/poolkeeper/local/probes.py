"""Probing without a cluster: where a run leaves its result, and what is remembered when `poolkeeper run` ends.

The result is a file where a cluster has the Pod's termination message; the memory is a file where it has the status.
"""

from pydantic import ValidationError

from poolkeeper.api.proberesult import ProbeResult
from poolkeeper.api.status import LastProbe
from poolkeeper.local.statedir import StateDir, write_atomic


def results(state: StateDir) -> tuple[ProbeResult, ...]:
    """The last finished run, whoever started it."""
    try:
        return (ProbeResult.model_validate_json(state.probe_result.read_bytes()),)
    except (FileNotFoundError, ValidationError):
        return ()


def leave(state: StateDir, message: bytes) -> None:
    """message: a result, as a Pod would leave it."""
    write_atomic(state.probe_result, message)


def recall(state: StateDir) -> LastProbe | None:
    try:
        return LastProbe.model_validate_json(state.probe_memory.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def remember(state: StateDir, last: LastProbe) -> None:
    write_atomic(state.probe_memory, last.model_dump_json(by_alias=True, exclude_none=True).encode())
