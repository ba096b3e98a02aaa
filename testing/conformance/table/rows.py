"""What most cases look like: one fault at one place, healthy endpoints behind it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from testing.conformance.case import (
    ONCE,
    Case,
    Line,
    Mode,
    Play,
    Policy,
    Refused,
    Seen,
    Turn,
    Want,
    When,
)

OK = Play()
BOTH = (Mode.STREAM, Mode.WHOLE)


def plays(scenario: str, **params: object) -> Play:
    return Play({"scenario": scenario, "params": params})


def script(*legs: tuple[str, int, Mapping[str, object]]) -> Play:
    """(scenario, requests, params) one after the other; the last for ever."""
    numbered: list[dict[str, object]] = [
        {"scenario": scenario, "requests": requests, "params": dict(params)} for scenario, requests, params in legs
    ]
    del numbered[-1]["requests"]
    return Play({"script": numbered})


def wire(program: str, **plan: object) -> Play:
    return Play({"program": program, **plan}, line=Line.WIRE)


BUSY = plays("busy503")
"""What stands before a fault at a later attempt: one attempt, and on to the next endpoint at once."""


@dataclass(frozen=True)
class Fault:
    """A way to fail before any content. seen: by the endpoint that has it; None: it has nothing to count."""

    klass: str
    slug: str
    title: str
    play: Play
    seen: Seen | None = ONCE
    modes: tuple[Mode, ...] = BOTH
    policy: Policy = field(default_factory=Policy)
    dials: Mapping[str, object] = field(default_factory=dict)

    def case(self, mode: Mode, when: When, suffix: str, **rest: object) -> Case:
        base = Case(
            name=f"{self.slug}-{suffix}-{mode}",
            klass=self.klass,
            title=self.title,
            mode=mode,
            when=when,
            plays=(self.play, OK),
            seen=(self.seen, ONCE),
            policy=self.policy,
            dials=self.dials,
        )
        return replace(base, **rest)  # type: ignore[arg-type]  # fields of Case


def passed_over(*faults: Fault, later: bool = True) -> Iterator[Case]:
    """At the first attempt and at a later one: the caller notices nothing."""
    for fault in faults:
        for mode in fault.modes:
            yield fault.case(mode, When.FIRST, "first")
            if later:
                yield fault.case(mode, When.LATER, "later", plays=(BUSY, fault.play, OK), seen=(ONCE, fault.seen, ONCE))


def left_alone(fault: Fault, seen: Seen, requests: int = 8) -> Iterator[Case]:
    """Request after request: all are answered, and the failing endpoint is soon left alone (its breaker opens).
    The recovery time is far longer than the case."""
    policy = replace(fault.policy, recovery_timeout_ms=60_000)
    for mode in fault.modes:
        yield fault.case(mode, When.AGAIN, "again", turns=(Turn(times=requests),), seen=(seen, None), policy=policy)


def nobody_left(fault: Fault, want: Want = Refused(), seen: Seen | None = None) -> Iterator[Case]:  # noqa: B008  # frozen
    """Every endpoint has it: an honest error, soon."""
    for mode in fault.modes:
        yield fault.case(mode, When.ALL, "everywhere", plays=(fault.play,) * 3, seen=(seen,) * 3, turns=(Turn(want),))
