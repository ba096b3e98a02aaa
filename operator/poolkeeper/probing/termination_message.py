"""A result as a termination message: JSON that never is longer than Kubernetes keeps.

What does not fit is dropped, the least useful first: phases of good endpoints, then all phases, then the note, then
which models answered well, and which API key found what. What was wrong at each endpoint always fits; a test proves it
for the most and longest.
"""

from collections.abc import Callable

from poolkeeper.api.probe_result import MOST_BYTES, ProbeResult


def encode(result: ProbeResult) -> bytes:
    for shorter in (_as_it_is, _without_good_phases, _without_phases, _without_note, _without_models, _without_cost):
        written = shorter(result).model_dump_json(by_alias=True, exclude_defaults=True).encode()
        if len(written) <= MOST_BYTES:
            return written
    raise AssertionError(f"{len(result.endpoints)} endpoints do not fit into {MOST_BYTES} bytes")


def _as_it_is(result: ProbeResult) -> ProbeResult:
    return result


def _without_good_phases(result: ProbeResult) -> ProbeResult:
    return _phases(result, lambda why: bool(why))


def _without_phases(result: ProbeResult) -> ProbeResult:
    return _phases(result, lambda why: False)


def _without_note(result: ProbeResult) -> ProbeResult:
    return _without_phases(result).model_copy(update={"note": ""})


def _without_models(result: ProbeResult) -> ProbeResult:
    """Dozens of endpoints, or long names: then breakers open and try again as they would without a probe."""
    shorter = _without_note(result)
    endpoints = (one.model_copy(update={"well": (), "keys": ()}) for one in shorter.endpoints)
    return shorter.model_copy(update={"endpoints": tuple(endpoints)})


def _without_cost(result: ProbeResult) -> ProbeResult:
    """Comes to this with dozens of currencies."""
    return _without_models(result).model_copy(update={"cost": ()})


def _phases(result: ProbeResult, keeps: Callable[[str], bool]) -> ProbeResult:
    kept = (one if keeps(one.why) else one.model_copy(update={"phases": None}) for one in result.endpoints)
    return result.model_copy(update={"endpoints": tuple(kept)})
