"""Busy: the provider says that it has too much to do, with any status."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import (
    Case,
    Mode,
    Policy,
    Refused,
    Seen,
    Turn,
    When,
    Whole,
    times,
)
from testing.conformance.table.rows import BOTH, OK, Fault, nobody_left, passed_over, plays, script

KLASS = "Busy"
BUSY503 = Fault(KLASS, "busy-503", "503, the service is too busy", plays("busy503"))
BUSY200 = Fault(KLASS, "busy-200", "200 with the busy body", plays("busy200"))
EVENT = Fault(
    KLASS, "busy-event", "200, and the busy body as an event", plays("busy200", as_event=True), modes=(Mode.STREAM,)
)
BUSY529 = Fault(KLASS, "busy-529", "529, a vendor's overload status", plays("busy503", status=529))
RETRY_AFTER = Fault(KLASS, "busy-503-retry-after", "503 with Retry-After", plays("busy503", retry_after_s=1))


def cases() -> Iterator[Case]:
    yield from passed_over(BUSY503, BUSY200, EVENT, BUSY529, RETRY_AFTER)
    yield from nobody_left(BUSY503, Refused((429, 503), retry_after=True), Seen(1, 1))
    yield from nobody_left(BUSY200, Refused((429, 503), retry_after=True), Seen(1, 1))
    for mode in BOTH:
        yield BUSY503.case(
            mode,
            When.AGAIN,
            "rests",
            title="after a 503 the endpoint has a backoff of busyBackoff, then serves again",
            plays=(script(("busy503", 1, {}), ("ok", 1, {})), OK),
            turns=(Turn(), Turn(until=(0, 2))),
            seen=(Seen(2, 2, gap_ms=500), None),
            policy=Policy(busy_backoff_ms=(500,)),
        )
        yield RETRY_AFTER.case(
            mode,
            When.AGAIN,
            "rests",
            title="after a 503 with Retry-After the endpoint rests that long",
            plays=(script(("busy503", 1, {"retry_after_s": 2}), ("ok", 1, {})), OK),
            turns=(Turn(), Turn(until=(0, 2))),
            seen=(Seen(2, 2, gap_ms=2000), None),
            policy=Policy(busy_backoff_ms=(100,)),
        )
        yield BUSY503.case(
            mode,
            When.ALL,
            "lone",
            title="a lone busy endpoint is not hammered: twelve requests, one or two attempts",
            plays=(plays("busy503"),),
            turns=(Turn(Refused((429, 503), retry_after=True), times=12),),
            seen=(Seen(1, 2),),
            policy=Policy(busy_backoff_ms=(60_000,), recovery_timeout_ms=60_000, request_ms=2000),
        )
        yield BUSY503.case(
            mode,
            When.AGAIN,
            "same-tier",
            title="busy endpoints of one tier: the third serves, each busy one is asked once",
            plays=tuple(replace(play, tier=0) for play in (BUSY503.play, BUSY503.play, OK)),
            turns=(Turn(Whole(), times=6),),
            seen=(Seen(0, 1), Seen(0, 1), times(6)),
            policy=Policy(busy_backoff_ms=(60_000,)),
        )
