"""Ends of a stream that are odd, but ends; and events that are none."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Case, Mode, Policy, Seen, Turn, When, Whole, WholeOrBroken
from testing.conformance.table.rows import OK, Fault, plays

KLASS = "Truncated"


def cases() -> Iterator[Case]:
    patient = Policy(first_token_ms=4000, inter_token_ms=4000)
    unfinished = plays("cut", after_chunks=99, terminated=True)
    for slug, title, play in (
        ("no-done", "finished, and then silence instead of [DONE]", plays("no_done")),
        ("no-done-eof", "finished, then the end of HTTP without [DONE]", unfinished),
        ("no-done-cut", "finished, then cut without [DONE]", plays("cut", after_chunks=99)),
        ("no-done-reset", "finished, then reset without [DONE]", plays("reset", after_chunks=99)),
    ):
        yield Fault(KLASS, slug, title, play).case(
            Mode.STREAM,
            When.AFTER,
            "finished",
            seen=(ONCE, NEVER),
            policy=patient,
            turns=(Turn(Whole(within_ms=4000)),),
        )
    invalid = Fault(KLASS, "invalid-chunk", "one event that is no JSON", plays("invalid_chunk", after_chunks=0))
    yield invalid.case(Mode.STREAM, When.FIRST, "first", seen=(ONCE, Seen(0, 1)))
    yield invalid.case(
        Mode.STREAM,
        When.AFTER,
        "after",
        plays=(plays("invalid_chunk"), replace(OK, capabilities=("PrefixCompletion",))),
        seen=(ONCE, Seen(0, 1)),
        turns=(Turn(WholeOrBroken()),),
    )
