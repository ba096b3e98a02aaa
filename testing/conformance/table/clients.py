"""ClientGone: the caller hangs up. What is left running upstream is paid for; what is counted as failure is unjust."""

from collections.abc import Iterator

from testing.conformance.case import NEVER, Case, Leave, Mode, Nothing, Policy, Seen, Turn, When, times
from testing.conformance.table.rows import BOTH, OK, Fault, plays

KLASS = "ClientGone"
LONG = {"tokens": 200, "token_interval_ms": 20}
CANCELLED = Seen(1, 1, cancelled=True)
PATIENT = Policy(first_token_ms=7000, inter_token_ms=7000, request_ms=9000)


def cases() -> Iterator[Case]:
    reading = Fault(KLASS, "gone-reading", "the caller leaves while it reads", plays("ok"), dials=LONG, policy=PATIENT)
    yield reading.case(
        Mode.STREAM,
        When.AFTER,
        "after",
        turns=(Turn(Nothing(), leave=Leave(after_chunks=3)),),
        seen=(CANCELLED, NEVER),
    )
    for mode in BOTH:
        waiting = Fault(
            KLASS, "gone-waiting", "the caller leaves while it waits", plays("keepalive_forever"), policy=PATIENT
        )
        yield waiting.case(
            mode,
            When.FIRST,
            "first",
            turns=(Turn(Nothing(), leave=Leave(after_ms=400)),),
            seen=(CANCELLED, NEVER),
        )
        silent = Fault(
            KLASS, "gone-silent", "the caller leaves a silent provider", plays("hang_before_headers"), policy=PATIENT
        )
        yield silent.case(
            mode,
            When.FIRST,
            "first",
            turns=(Turn(Nothing(), leave=Leave(after_ms=400)),),
            seen=(CANCELLED, NEVER),
        )
    yield reading.case(
        Mode.STREAM,
        When.AGAIN,
        "neutral",
        title="callers that leave do not count against the endpoint",
        plays=(plays("ok"), OK),
        turns=(Turn(Nothing(), times=5, leave=Leave(after_chunks=3)), Turn()),
        seen=(times(6), NEVER),
        dials={"tokens": 60, "token_interval_ms": 10},
    )
