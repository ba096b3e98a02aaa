"""No failure at all: what must not be broken by looking for failures."""

from collections.abc import Iterator

from testing.conformance.case import NEVER, ONCE, Case, Mode, Play, Policy, Turn, When
from testing.conformance.table.rows import BOTH, OK, plays, wire

KLASS = "Healthy"
THINKING: dict[str, object] = {"thinking": {"type": "enabled"}}


def cases() -> Iterator[Case]:
    good: tuple[tuple[str, str, Play, dict[str, object]], ...] = (
        ("ok", "a good answer", OK, {}),
        ("thinking", "a good answer that thinks first", OK, THINKING),
        ("split", "bytes and events torn anywhere", plays("split"), {}),
        ("crlf", "event lines that end in CR LF", plays("crlf"), {}),
        ("queued", "keep-alives for 300 ms, then a good answer", plays("keepalive_then_ok", keepalive_ms=300), {}),
        ("usage-in-finish", "usage on the last chunk", plays("ok", usage_in_finish=True), {}),
        ("late-headers", "headers with the first token", plays("ok", early_headers=False, first_token_ms=200), {}),
        ("closing", "connection: close", plays("ok", connection_close=True), {}),
    )
    for slug, title, play, request in good:
        for mode in BOTH:
            yield Case(
                name=f"healthy-{slug}-{mode}",
                klass=KLASS,
                title=title,
                mode=mode,
                when=When.FIRST,
                plays=(play, OK),
                seen=(ONCE, NEVER),
                request=request,
            )
    yield Case(
        name="healthy-long-reasoning-stream",
        klass=KLASS,
        title="reasoning for longer than firstToken and interToken together, then content",
        mode=Mode.STREAM,
        when=When.FIRST,
        plays=(plays("ok", reasoning_tokens=30, token_interval_ms=100), OK),
        seen=(ONCE, NEVER),
        dials={"reasoning_tokens": 30},
        request=THINKING,
        policy=Policy(first_token_ms=1000, inter_token_ms=1000),
    )
    yield Case(
        name="healthy-slow-whole-answer-whole",
        klass=KLASS,
        title="a slow but healthy whole answer, longer than firstToken",
        mode=Mode.WHOLE,
        when=When.FIRST,
        plays=(plays("ok", first_token_ms=1500), OK),
        seen=(ONCE, NEVER),
        policy=Policy(first_token_ms=500, whole_answers="AsAsked"),
        turns=(Turn(),),
    )
    yield Case(
        name="healthy-slow-tokens-whole",
        klass=KLASS,
        title="a whole answer that is generated for longer than firstToken",
        mode=Mode.WHOLE,
        when=When.FIRST,
        plays=(plays("ok", tokens=16, token_interval_ms=100), OK),
        seen=(ONCE, NEVER),
        policy=Policy(first_token_ms=500, inter_token_ms=500),
        dials={"tokens": 16},
    )
    yield Case(
        name="healthy-multi-line-data-stream",
        klass=KLASS,
        title="comments, an event name and a retry field between the events",
        mode=Mode.STREAM,
        when=When.FIRST,
        plays=(wire("noise"), OK),
        seen=(ONCE, NEVER),
    )
    for mode in BOTH:
        yield Case(
            name=f"healthy-hostile-text-{mode}",
            klass=KLASS,
            title="text that looks like the framing around it: data: [DONE], </think>, emoji, escapes",
            mode=mode,
            when=When.FIRST,
            plays=(OK, OK),
            seen=(ONCE, NEVER),
            dials={"tokens": 600, "token_interval_ms": 0},
            hostile_text=True,
        )
