"""The phases of one probe request, end to end: the time of each, and which were never reached. Pure.

A probe times the phases of the way by themselves and those of the answer from when the request was sent; here they
stand one behind the other, as a caller lives through them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from poolkeeper.api.probe_result import ProbePhases

BAR_WIDTH = 40


@dataclass(frozen=True)
class Phase:
    """begin_ms: since the start of the request. took_ms None: not reached."""

    name: str
    begin_ms: int
    took_ms: int | None
    note: str = ""


def phases_of(seen: ProbePhases) -> tuple[Phase, ...]:
    found: list[Phase] = []
    at = 0
    for phase in _lengths(seen):
        found.append(Phase(phase.name, at, phase.took_ms, phase.note))
        if phase.took_ms is None:
            break
        at += phase.took_ms
    return tuple(found)


def bar(phase: Phase, total_ms: int) -> str:
    """Where in the whole it lies; at least one mark, so that nothing that took place looks as if it had not."""
    if phase.took_ms is None:
        return " " * _place(phase.begin_ms, total_ms) + "x"
    begin, end = _place(phase.begin_ms, total_ms), _place(phase.begin_ms + phase.took_ms, total_ms)
    begin = min(begin, BAR_WIDTH - 1)
    return " " * begin + "━" * max(1, end - begin)


def total_ms(phases: tuple[Phase, ...]) -> int:
    return sum(phase.took_ms or 0 for phase in phases)


def _place(at_ms: int, whole_ms: int) -> int:
    return round(BAR_WIDTH * at_ms / whole_ms) if whole_ms else 0


def _lengths(seen: ProbePhases) -> Iterator[Phase]:
    """In the order of a request. A phase that is not needed everywhere (DNS, proxy, TLS) is left out where it was not
    seen, one that every answer has is shown as missing; the caller stops there."""
    if seen.dns is not None:
        yield Phase("DNS", 0, seen.dns, _addresses(seen))
    yield Phase("TCP", 0, seen.tcp)
    if seen.proxy is not None:
        yield Phase("proxy", 0, seen.proxy, "CONNECT")
    if seen.tls is not None:
        yield Phase("TLS", 0, seen.tls, f"certificate until {seen.certificate_ends}" if seen.certificate_ends else "")
    yield Phase("headers", 0, seen.headers, f"status {seen.status}" if seen.status else "")
    if seen.alive is not None:
        yield Phase("first byte", 0, _since(seen.alive, seen.headers), _alive(seen))
    yield Phase("first token", 0, _since(seen.first, seen.alive or seen.headers))
    yield Phase("stream", 0, _since(seen.end, seen.first), _tokens(seen))


def _since(at: int | None, before: int | None) -> int | None:
    return None if at is None else max(0, at - (before or 0))


def _addresses(seen: ProbePhases) -> str:
    if not seen.addresses:
        return ""
    bad = f", {seen.unreachable} of them accept no connection" if seen.unreachable else ""
    return f"{seen.addresses} address{'es' if seen.addresses > 1 else ''}{bad}"


def _alive(seen: ProbePhases) -> str:
    return "then nothing but keep-alives" if seen.first is None and seen.status == 200 else ""


def _tokens(seen: ProbePhases) -> str:
    said = []
    if seen.completion is not None:
        said.append(f"{seen.completion} tokens")
    if seen.rate is not None:
        said.append(f"{seen.rate:g} a second")
    if seen.finish:
        said.append(f"finish {seen.finish}")
    if seen.prompt is not None:
        said.append(f"prompt {seen.prompt} tokens" + (f", {seen.cached} cached" if seen.cached else ""))
    return ", ".join(said)
