"""RateLimited: the caller's account has had enough. The endpoint has a backoff; it is not broken."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Case, Policy, Refused, Seen, Turn, When, times
from testing.conformance.table.rows import BOTH, OK, Fault, nobody_left, passed_over, plays, script

KLASS = "RateLimited"
PLAIN = Fault(KLASS, "limit-plain", "429 without Retry-After", plays("rate_limit"))
SECONDS = Fault(KLASS, "limit-seconds", "429, Retry-After in seconds", plays("rate_limit", retry_after_s=2))
DATE = Fault(
    KLASS, "limit-date", "429, Retry-After as a date", plays("rate_limit", retry_after_s=3, retry_after_date=True)
)
MILLISECONDS = Fault(KLASS, "limit-ms", "429, retry-after-ms", plays("rate_limit", retry_after_ms=900))
RESTS: tuple[tuple[Fault, dict[str, object], int, tuple[int, ...]], ...] = (
    (PLAIN, {}, 600, (600,)),
    (SECONDS, {"retry_after_s": 2}, 2000, (100,)),
    (DATE, {"retry_after_s": 3, "retry_after_date": True}, 2000, (100,)),  # a date has whole seconds: 2 to 3 s away
    (MILLISECONDS, {"retry_after_ms": 900}, 900, (100,)),
)


def cases() -> Iterator[Case]:
    yield from passed_over(PLAIN, SECONDS, DATE, MILLISECONDS)
    yield from nobody_left(
        replace(SECONDS, play=plays("rate_limit", retry_after_s=120)), Refused((429, 503), retry_after=True), ONCE
    )
    for mode in BOTH:
        for fault, params, gap_ms, backoff_ms in RESTS:
            yield fault.case(
                mode,
                When.AGAIN,
                "rests",
                title=f"{fault.title}: rests that long, then serves again",
                plays=(script(("rate_limit", 1, params), ("ok", 1, {})), OK),
                turns=(Turn(), Turn(until=(0, 2))),
                seen=(Seen(2, 2, gap_ms=gap_ms), None),
                policy=Policy(busy_backoff_ms=backoff_ms),
            )
        yield SECONDS.case(
            mode,
            When.ALL,
            "lone-waits",
            title="nobody else is left: wait for a Retry-After that fits the deadline",
            plays=(script(("rate_limit", 1, {"retry_after_s": 1}), ("ok", 1, {})),),
            seen=(Seen(2, 2, gap_ms=1000),),
            policy=Policy(busy_backoff_ms=(100,)),
        )
        yield SECONDS.case(
            mode,
            When.ALL,
            "lone-told",
            title="a Retry-After beyond the deadline is reported at once, and the endpoint is left alone",
            plays=(plays("rate_limit", retry_after_s=120),),
            turns=(Turn(Refused((429, 503), retry_after=True, within_ms=2000), times=6),),
            seen=(ONCE,),
        )
        yield MILLISECONDS.case(
            mode,
            When.FIRST,
            "tier-wait",
            title="tierWait: rather wait inside the tier than fall to the next",
            plays=(script(("rate_limit", 1, {"retry_after_ms": 400}), ("ok", 1, {})), OK),
            seen=(Seen(2, 2, gap_ms=400), NEVER),
            policy=Policy(busy_backoff_ms=(100,), tier_wait_ms=2000),
        )
        yield PLAIN.case(
            mode,
            When.AGAIN,
            "neutral",
            title="rate limits do not open the breaker: the endpoint is back when its rest is over",
            plays=(script(("rate_limit", 4, {"retry_after_ms": 50}), ("ok", 1, {})), OK),
            turns=(Turn(until=(0, 5)),),
            seen=(times(5), None),
            policy=Policy(busy_backoff_ms=(50,), recovery_timeout_ms=60_000),
        )
