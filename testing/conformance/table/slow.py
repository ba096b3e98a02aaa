"""SlowFirstToken: 200, and then anything but content. Bytes are not progress. A whole answer shows no first token: it
may take as long as its request, or half of that while another endpoint could answer."""

import json
from collections.abc import Iterator

from testing.conformance.case import ONCE, Case, Mode, Policy, Refused, Seen, Turn, When, Whole
from testing.conformance.table.rows import OK, Fault, left_alone, nobody_left, passed_over, plays, wire

KLASS = "SlowFirstToken"
STREAM = (Mode.STREAM,)
NULLS = {"choices": [{"index": 0, "delta": {"content": None, "reasoning_content": ""}, "finish_reason": None}]}
SILENT = Fault(KLASS, "slow-silent", "not one byte", plays("hang_before_headers"), modes=STREAM)
LATE = Fault(
    KLASS,
    "slow-late",
    "an answer, but far too late",
    plays("slow_first_token", first_token_ms=6000),
    modes=STREAM,
)
COMMENTS = Fault(KLASS, "slow-keep-alive", "keep-alives for ever", plays("keepalive_forever"), modes=STREAM)
BLANKS = Fault(KLASS, "slow-blank-lines", "blank lines for ever", wire("beats", beat="\n"), modes=STREAM)
EMPTY = Fault(
    KLASS, "slow-empty-deltas", "a role, then empty deltas for ever", plays("role_only_forever"), modes=STREAM
)
ROLE = Fault(KLASS, "slow-role-only", "a role, then silence", plays("stall", after_chunks=0), modes=STREAM)
NULL = Fault(
    KLASS,
    "slow-null-deltas",
    "deltas with null and empty content for ever",
    wire("beats", beat=f"data: {json.dumps(NULLS)}\n\n"),
    modes=STREAM,
)


def cases() -> Iterator[Case]:
    yield from passed_over(SILENT, COMMENTS, BLANKS, EMPTY, ROLE, NULL)
    yield from passed_over(LATE, later=False)
    yield from left_alone(COMMENTS, Seen(3, 3), requests=5)
    yield from nobody_left_in_time()
    yield from whole_answers()


def whole_answers() -> Iterator[Case]:
    """Half of the time that is left is for another endpoint, while there is one."""
    yield COMMENTS.case(
        Mode.WHOLE,
        When.FIRST,
        "half",
        title="keep-alives and never a whole answer: another endpoint has half of the time",
        plays=(COMMENTS.play, OK),
        turns=(Turn(Whole()),),
        seen=(ONCE, ONCE),
        policy=Policy(request_ms=3000),
    )
    yield COMMENTS.case(
        Mode.WHOLE,
        When.ALL,
        "deadline",
        title="keep-alives everywhere and never a whole answer: the request's own deadline",
        plays=(COMMENTS.play,) * 3,
        turns=(Turn(Refused(within_ms=3500)),),
        seen=(ONCE, Seen(0, 1), Seen(0, 1)),
        policy=Policy(request_ms=1700),
    )


def nobody_left_in_time() -> Iterator[Case]:
    """Attempts share the request's deadline: the third has no time left."""
    for case in nobody_left(COMMENTS, Refused(within_ms=3500), Seen(0, 1)):
        yield COMMENTS.case(
            case.mode,
            When.ALL,
            "deadline",
            title="keep-alives everywhere: one deadline for all attempts together",
            plays=case.plays,
            turns=case.turns,
            seen=(ONCE, ONCE, Seen(0, 1)),
            policy=Policy(request_ms=1700),
        )
    yield COMMENTS.case(
        Mode.STREAM,
        When.ALL,
        "lone",
        title="a lone endpoint that keeps silent is not asked again for the same request",
        plays=(COMMENTS.play,),
        turns=(Turn(Refused()),),
        seen=(ONCE,),
    )
