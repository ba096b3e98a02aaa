"""Truncated and Stalled after content was sent: Continue, Restart or Error, and when the first way fails."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from testing.conformance.case import NEVER, ONCE, Broken, Case, Line, Mode, Play, Policy, Seen, Turn, When, times
from testing.conformance.table.rows import OK, Fault, left_alone, plays, wire
from testing.conformance.table.vendors import BUSY_EVENT, STRING_CODE

STALLED, TRUNCATED = "Stalled", "Truncated"
CAPABLE = ("PrefixCompletion",)
CONTINUES = replace(OK, capabilities=CAPABLE)
EMPTY_DELTA = 'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}]}\n\n'
SPACED = {"token_interval_ms": 30}
"""So that a caller has what was sent before the fault."""
AFTER = 4
"""Events of wire programs: the role and three tokens."""
NEXT_FAILS = (
    ("busy503", "busy", "is busy"),
    ("refuse", "refuses", "refuses the connection"),
    ("rate_limit", "limited", "has a rate limit"),
    ("error500", "error", "answers 500"),
    ("auth", "key", "refuses its key"),
    ("insufficient_balance", "balance", "is out of balance"),
    ("keepalive_forever", "silent", "keeps alive for ever"),
    ("stall", "stall", "falls silent in the continuation"),
)
"""Of endpoints that are asked to go on: a scenario, and what it is."""


@dataclass(frozen=True)
class Cut:
    """A way to end badly after content was sent."""

    klass: str
    slug: str
    title: str
    play: Play


CUTS = (
    Cut(TRUNCATED, "eof", "clean end of the connection", plays("cut")),
    Cut(TRUNCATED, "terminated", "a correct end of HTTP, no end of the answer", plays("cut", terminated=True)),
    Cut(TRUNCATED, "reset", "reset", plays("reset")),
    Cut(TRUNCATED, "inside", "cut inside an event", plays("cut_inside_chunk")),
    Cut(
        TRUNCATED, "inside-terminated", "cut inside an event, HTTP in order", plays("cut_inside_chunk", terminated=True)
    ),
    Cut(TRUNCATED, "resource", "insufficient_system_resource", plays("insufficient_system_resource")),
    Cut(TRUNCATED, "openrouter", "an error event, OpenRouter's way", plays("error_in_stream")),
    Cut(TRUNCATED, "vllm", "an error event, vLLM's way, then [DONE]", plays("error_in_stream", dialect="vllm")),
    Cut(
        TRUNCATED,
        "string-code",
        "an error event with a word for a code",
        wire("then", after_events=AFTER, tail=STRING_CODE),
    ),
    Cut(
        TRUNCATED,
        "busy-event",
        "the busy body as an event, then [DONE]",
        wire("then", after_events=AFTER, tail=BUSY_EVENT),
    ),
    Cut(STALLED, "stall", "silence", plays("stall")),
    Cut(STALLED, "keep-alive", "keep-alives for ever", wire("beats", after_events=AFTER, beat=": keep-alive\n\n")),
    Cut(STALLED, "empty", "empty deltas for ever", wire("beats", after_events=AFTER, beat=EMPTY_DELTA)),
)


def cases() -> Iterator[Case]:
    for cut in CUTS:
        yield from _after(cut)
    yield from _further()
    eof = Fault(
        TRUNCATED, "after-eof", "cut after content, each time", plays("cut"), modes=(Mode.STREAM,), dials=SPACED
    )
    for case in left_alone(eof, Seen(3, 3)):
        yield replace(case, plays=(eof.play, CONTINUES))


def _after(cut: Cut) -> Iterator[Case]:
    base = Fault(cut.klass, f"after-{cut.slug}", cut.title, cut.play, dials=SPACED)
    for way, play in (("Continue", CONTINUES), ("Restart", OK)):
        yield base.case(
            Mode.STREAM,
            When.AFTER,
            way.lower(),
            plays=(cut.play, play),
            policy=Policy(recovery=way),
        )
    yield base.case(
        Mode.STREAM,
        When.AFTER,
        "error",
        policy=Policy(recovery="Error"),
        seen=(ONCE, NEVER),
        turns=(Turn(Broken()),),
    )


def _further() -> Iterator[Case]:
    """When the first way to recover does not work out."""
    eof = plays("cut")

    def capable(scenario: str, **params: object) -> Play:
        return replace(plays(scenario, **params), capabilities=CAPABLE)

    def row(slug: str, title: str, played: tuple[Play, ...], seen: tuple[Seen, ...], **rest: object) -> Case:
        fault = Fault(TRUNCATED, "after", title, eof, dials=SPACED)
        return fault.case(Mode.STREAM, When.AFTER, slug, plays=played, seen=seen, **rest)

    yield row("cut-twice", "the continuation is cut, too", (eof, capable("cut"), CONTINUES), (ONCE, ONCE, ONCE))
    for scenario, slug, title in NEXT_FAILS:
        # One 5xx is tried again where it came from, before the request leaves the tier.
        at_next = {"refuse": NEVER, "error500": times(2)}.get(scenario, ONCE)
        seen = (ONCE, at_next, ONCE)
        yield row(f"next-{slug}", f"the next endpoint {title}", (eof, capable(scenario), CONTINUES), seen)
    yield row("refused", "a refused prefill: start again", (eof, capable("ok", prefill="refuse")), (ONCE, times(2)))
    yield row("ignored", "the prefill is ignored", (eof, capable("ok", prefill="ignore")), (ONCE, Seen(1, 2)))
    yield row("vllm", "continue_final_message", (eof, replace(CONTINUES, dialect="VLLM")), (ONCE, ONCE))
    yield row("incapable", "Continue where nobody can: start again", (eof, OK), (ONCE, ONCE))
    yield row(
        "stranger",
        "the other endpoint says something else: an error, never a mixture",
        (eof, replace(OK, line=Line.STRANGER)),
        (ONCE, Seen(1, 2)),
        policy=Policy(recovery="Restart"),
        turns=(Turn(Broken()),),
    )
    yield row(
        "lone",
        "nobody else is there",
        (eof,),
        (ONCE,),
        policy=Policy(recovery="Error"),
        turns=(Turn(Broken()),),
    )
    for way in ("Continue", "Restart"):
        yield row(
            f"thinking-{way.lower()}",
            "cut while it thinks",
            (eof, CONTINUES),
            (ONCE, ONCE),
            policy=Policy(recovery=way),
            request={"thinking": {"type": "enabled"}},
        )
