"""ServerError: the provider failed. Once more at the same endpoint is allowed, and no more than once."""

from collections.abc import Iterator

from testing.conformance.case import Case, Policy, Refused, Seen, Turn, When, times
from testing.conformance.table.rows import BOTH, Fault, left_alone, nobody_left, passed_over, plays, script

KLASS = "ServerError"
RETRIED = Seen(1, 2)
ERROR500 = Fault(KLASS, "error-500", "500 with a JSON body", plays("error500"), RETRIED)
ERROR502 = Fault(KLASS, "error-502", "502 with a gateway's HTML", plays("error502"), RETRIED)
ERROR504 = Fault(KLASS, "error-504", "504 with a gateway's HTML", plays("error504"), RETRIED)
HANGS_UP = Fault(
    KLASS, "error-500-close", "500 and connection: close", plays("error500", connection_close=True), RETRIED
)


def cases() -> Iterator[Case]:
    yield from passed_over(ERROR500, ERROR502, ERROR504, HANGS_UP)
    yield from left_alone(ERROR500, Seen(3, 4))
    yield from nobody_left(ERROR500, seen=RETRIED)
    for mode in BOTH:
        yield ERROR500.case(
            mode,
            When.ALL,
            "lone",
            title="a lone endpoint fails once: asked once more, and it answers",
            plays=(script(("error500", 1, {}), ("ok", 1, {})),),
            seen=(times(2),),
        )
        yield ERROR500.case(
            mode,
            When.ALL,
            "lone-dead",
            title="a lone endpoint that only fails opens, too: twelve requests, at most four attempts",
            plays=(plays("error500"),),
            turns=(Turn(Refused((429, 500, 502, 503, 504)), times=12),),
            seen=(Seen(3, 4),),
            policy=Policy(recovery_timeout_ms=60_000),
        )
        yield ERROR500.case(
            mode,
            When.AGAIN,
            "recovers",
            title="opened, recovered, closed: traffic is back at the first endpoint",
            plays=(script(("error500", 3, {}), ("ok", 1, {})), plays("ok")),
            turns=(Turn(times=5), Turn(until=(0, 8))),
            seen=(times(8), None),
        )
