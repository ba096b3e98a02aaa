"""Sixty tokens, cut at every border between two chunks and inside every chunk, under each way to recover."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from testing.conformance.case import NEVER, ONCE, Broken, Case, Mode, Play, Policy, Seen, Turn, Want, When, Whole, times
from testing.conformance.table.rows import OK, plays, wire

TOKENS = 60
DIALS = {"tokens": TOKENS, "first_token_ms": 0, "token_interval_ms": 0}
CAPABLE = ("PrefixCompletion",)


@dataclass(frozen=True)
class Way:
    """How a cut is recovered from, and what the second endpoint sees of it."""

    slug: str
    title: str
    recovery: str
    second: Play
    seen: Seen
    want: Want


WAYS = (
    Way("continue", "Continue, DeepSeek's prefix", "Continue", replace(OK, capabilities=CAPABLE), ONCE, Whole()),
    Way(
        "continue-vllm",
        "Continue, continue_final_message",
        "Continue",
        replace(OK, capabilities=CAPABLE, dialect="VLLM"),
        ONCE,
        Whole(),
    ),
    Way("restart", "Restart at a deterministic endpoint", "Restart", OK, ONCE, Whole()),
    Way(
        "refused",
        "Continue, the prefill is refused",
        "Continue",
        replace(plays("ok", prefill="refuse"), capabilities=CAPABLE),
        times(2),
        Whole(),
    ),
    Way("error", "Error: an error event, never a clean end", "Error", OK, NEVER, Broken()),
)


def cases() -> Iterator[Case]:
    for way in WAYS:
        for chunks in range(1, TOKENS):
            yield _case(way, f"after-{chunks:02}", False, chunks, way.want, way.seen)
        yield _case(way, "after-the-last", False, None, Whole(), NEVER)
        yield _case(way, "inside-00", True, 0, Whole(), ONCE)
        for chunks in range(1, TOKENS):
            yield _case(way, f"inside-{chunks:02}", True, chunks, way.want, way.seen)


def _case(way: Way, where: str, inside: bool, after_chunks: int | None, want: Want, second: Seen) -> Case:
    how = {} if after_chunks is None else {"after_chunks": after_chunks, "inside": inside}
    place = "inside a chunk" if inside else "between chunks"
    return Case(
        name=f"cut-{way.slug}-{where}",
        klass="Cut anywhere",
        title=f"{way.title}, {place}",
        mode=Mode.STREAM,
        when=When.AFTER,
        plays=(wire("cut", **how), way.second),
        seen=(ONCE, second),
        turns=(Turn(want),),
        policy=Policy(recovery=way.recovery, consecutive_failures=0, busy_backoff_ms=(0,)),
        dials=DIALS,
        series=f"cut-{way.slug}",
    )
