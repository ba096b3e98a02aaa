"""The Messages API and the Responses API: the same faults as in chat, in the words of these protocols.

A stream that breaks is not continued here: it ends in an honest error event.
"""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import (
    NEVER,
    ONCE,
    Broken,
    Case,
    Line,
    Mode,
    Play,
    Policy,
    ProviderError,
    Refused,
    Seen,
    Surface,
    Turn,
    Want,
    When,
    Whole,
)
from testing.conformance.table.rows import BOTH, OK, Fault, nobody_left, passed_over, plays
from testing.fakes.deepseek import bodies

KLASSES = {Surface.MESSAGES: "Messages API", Surface.RESPONSES: "Responses API"}
THINKING: dict[Surface, dict[str, object]] = {
    Surface.MESSAGES: {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    Surface.RESPONSES: {"reasoning": {"effort": "high"}},
}
STREAM, WHOLE = (Mode.STREAM,), (Mode.WHOLE,)

GOOD = (
    ("ok", "a good answer", OK),
    ("split", "bytes and events torn anywhere", plays("split")),
    ("crlf", "event lines that end in CR LF", plays("crlf")),
    ("queued", "keep-alives for 300 ms, then a good answer", plays("keepalive_then_ok", keepalive_ms=300)),
)
BEFORE = (
    ("refused", "connection refused", plays("refuse"), BOTH),
    ("busy-503", "503, the service is too busy", plays("busy503"), BOTH),
    ("busy-200", "200 with the busy body", plays("busy200"), BOTH),
    ("busy-event", "200, and the busy body as an event", plays("busy200", as_event=True), STREAM),
    ("busy-529", "529, overloaded", plays("busy503", status=529), BOTH),
    ("limited", "429", plays("rate_limit"), BOTH),
    ("error-500", "500", plays("error500"), BOTH),
    ("error-502", "502 with a gateway's page", plays("error502"), BOTH),
    ("silence", "headers never come", plays("hang_before_headers"), STREAM),
    ("keep-alives", "keep-alives for ever", plays("keepalive_forever"), STREAM),
    ("no-content", "a start, then never any content", plays("role_only_forever"), STREAM),
    ("empty", "200 without a body", plays("empty_200"), BOTH),
    ("key", "401, the key is refused", plays("auth"), BOTH),
    ("balance", "402, no balance", plays("insufficient_balance"), BOTH),
    ("model", "400 Model Not Exist", plays("model_missing"), BOTH),
    ("cut", "FIN in the middle", plays("cut", after_chunks=2), WHOLE),
    ("reset", "RST in the middle", plays("reset", after_chunks=2), WHOLE),
    ("stall", "silence in the middle", plays("stall", after_chunks=2), WHOLE),
    ("broken", "half of the JSON, ended properly", plays("invalid_chunk"), WHOLE),
    ("resources", "insufficient_system_resource", plays("insufficient_system_resource"), WHOLE),
    ("failed", "200, and generation failed", plays("error_in_stream"), WHOLE),
)
AFTER = (
    ("cut", "FIN after some text", plays("cut", after_chunks=5)),
    ("cut-inside", "FIN inside an event", plays("cut_inside_chunk", after_chunks=5)),
    ("ended", "a correct end of the body after some text", plays("cut", after_chunks=5, terminated=True)),
    ("reset", "RST after some text", plays("reset", after_chunks=5)),
    ("stall", "silence after some text", plays("stall", after_chunks=5)),
    ("resources", "insufficient_system_resource", plays("insufficient_system_resource", after_chunks=5)),
    ("failed", "an error event after some text", plays("error_in_stream", after_chunks=5)),
    ("broken", "an event that is no JSON", plays("invalid_chunk", after_chunks=5)),
)


def cases() -> Iterator[Case]:
    for surface, klass in KLASSES.items():
        for case in (*_healthy(klass, surface), *_before(klass), *_after(klass), *_ends(klass, surface), *_told(klass)):
            yield replace(case, name=f"{surface}-{case.name}", surface=surface)


def _healthy(klass: str, surface: Surface) -> Iterator[Case]:
    for slug, title, play in GOOD:
        for mode in BOTH:
            yield _case(klass, f"healthy-{slug}-{mode}", title, mode, When.FIRST, (play, OK), (ONCE, NEVER))
    for mode in BOTH:
        case = _case(klass, f"healthy-thinking-{mode}", "it thinks first", mode, When.FIRST, (OK, OK), (ONCE, NEVER))
        yield replace(case, request=THINKING[surface])


def _before(klass: str) -> Iterator[Case]:
    for slug, title, play, modes in BEFORE:
        once_more = Seen(1, 2) if slug.startswith("error-") else ONCE  # before the request leaves the tier
        seen = None if slug == "refused" else once_more
        yield from passed_over(Fault(klass, slug, title, play, seen=seen, modes=modes))
    busy = Fault(klass, "busy-503", "503, the service is too busy", plays("busy503"))
    yield from nobody_left(busy, Refused((429, 503, 529), retry_after=True), Seen(1, 1))


def _after(klass: str) -> Iterator[Case]:
    for slug, title, play in AFTER:
        case = _case(klass, f"{slug}-after-commit", title, Mode.STREAM, When.AFTER, (play, OK), (ONCE, ONCE))
        case = replace(case, dials={"token_interval_ms": 20})
        yield case
        error = replace(case, name=f"{slug}-after-commit-error", policy=Policy(recovery="Error"), seen=(ONCE, NEVER))
        yield replace(error, title=f"{title}, and recovery: Error", turns=(Turn(Broken()),))
    cut = plays("cut", after_chunks=5)
    stranger = replace(OK, line=Line.STRANGER)
    title = "cut, and the other endpoint says something else"
    yield replace(
        _case(
            klass,
            "stranger-after-commit",
            title,
            Mode.STREAM,
            When.AFTER,
            (cut, stranger),
            (ONCE, Seen(1, 2)),
            Broken(),
        ),
        dials={"token_interval_ms": 20},
    )


def _ends(klass: str, surface: Surface) -> Iterator[Case]:
    """A message, and a response whose items are all done, have said all before their last event."""
    want = Whole(within_ms=4000)
    title = "all but the last event, the socket open"
    case = _case(
        klass, "no-end-after-commit", title, Mode.STREAM, When.AFTER, (plays("no_done"), OK), (ONCE, NEVER), want
    )
    yield replace(case, policy=Policy(recovery="Error"))


def _told(klass: str) -> Iterator[Case]:
    want = ProviderError(400, bodies.FORMAT_MESSAGE)
    for mode in BOTH:
        plays_ = (plays("bad_request"), OK)
        yield _case(klass, f"format-first-{mode}", "400, invalid format", mode, When.FIRST, plays_, (ONCE, NEVER), want)


def _case(
    klass: str,
    name: str,
    title: str,
    mode: Mode,
    when: When,
    playing: tuple[Play, ...],
    seen: tuple[Seen, ...],
    want: Want = Whole(),  # noqa: B008  # frozen
) -> Case:
    return Case(name, klass, title, mode, when, playing, seen, turns=(Turn(want),))
