"""Health checks: what is wrong is known before a request meets it, and never more than that is made of it."""

from collections.abc import Iterator

from testing.conformance.case import NEVER, ONCE, Case, Mode, Play, Policy, Seen, Turn, When
from testing.conformance.table.rows import BOTH, OK

KLASS = "HealthCheck"
CHECKED = Policy(health_check="Auto")
AFTER_A_WHILE = (Turn(pause_ms=2500),)
"""A dozen checks later."""


def cases() -> Iterator[Case]:
    everything = Play({"scenario": "busy503", "surfaces": "all"})
    checks_only = Play({"scenario": "busy503", "surfaces": ["models", "balance"]})
    broke = Play({"scenario": "insufficient_balance", "surfaces": ["balance"]})
    for mode in BOTH:
        yield _case("down", "an endpoint that is down is not asked", mode, (everything, OK), (NEVER, ONCE))
        yield _case("broke", "an account without money is not asked", mode, (broke, OK), (NEVER, ONCE))
        yield _case("blind", "all checks fail and no request does: all are served", mode, (checks_only,), (ONCE,))


def _case(slug: str, title: str, mode: Mode, plays: tuple[Play, ...], seen: tuple[Seen, ...]) -> Case:
    return Case(
        name=f"checked-{slug}-{mode}",
        klass=KLASS,
        title=title,
        mode=mode,
        when=When.FIRST,
        plays=plays,
        seen=seen,
        turns=AFTER_A_WHILE,
        policy=CHECKED,
    )
