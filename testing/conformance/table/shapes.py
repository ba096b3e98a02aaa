"""Answers that say nothing, and good ones in a form, under a type or with a status that was not asked for."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Case, Mode, Play, Seen, Surface, When
from testing.conformance.table.rows import BOTH, BUSY, OK, Fault, passed_over, plays, wire

KLASS = "Shapes of an answer"
BASE: dict[str, object] = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
ONE_OR_TWO = Seen(1, 2)
"""A server's error is tried once more before the request leaves its tier."""
NOTHING: tuple[tuple[str, str, object], ...] = (
    ("null", "choices are null", {**BASE, "choices": None, "usage": None}),
    ("empty", "no choices", {**BASE, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 0}}),
    ("no-message", "a choice without a message", {**BASE, "choices": [{"index": 0, "finish_reason": "stop"}]}),
    ("null-choice", "a choice that is null", {**BASE, "choices": [None]}),
    ("envelope", "a success of a vendor's own", {"code": 0, "msg": "success", "data": None}),
    ("html", "a string", "<html>please log in</html>"),
    ("empty-object", "an empty object", {}),
)
GOOD: tuple[tuple[str, str, Play], ...] = (
    ("plain", "as text/plain", wire("named", type="text/plain; charset=utf-8")),
    ("json", "as application/json", wire("named", type="application/json")),
    ("stream", "as text/event-stream", wire("named", type="text/event-stream")),
    ("octets", "as application/octet-stream", wire("named", type="application/octet-stream")),
    ("untyped", "without a type", wire("named", type="")),
    ("created", "with status 201", wire("named", status=201)),
    ("accepted", "with status 202", wire("named", status=202)),
    ("partial", "with status 206", wire("named", status=206)),
    ("blank", "after blank lines", wire("named", before="\n\n\n")),
)


def cases() -> Iterator[Case]:
    for slug, title, body in NOTHING:
        play = wire("refusal", status=200, body=body)
        yield from passed_over(Fault(KLASS, f"nothing-{slug}", title, play, seen=ONE_OR_TWO))
    for slug, title, play in GOOD:
        for mode in BOTH:
            base = Case(
                f"good-{slug}-{mode}", KLASS, f"a good answer {title}", mode, When.FIRST, (play, OK), (ONCE, NEVER)
            )
            yield base
            if slug in ("plain", "created"):
                yield replace(
                    base,
                    name=f"good-{slug}-later-{mode}",
                    when=When.LATER,
                    plays=(BUSY, play, OK),
                    seen=(ONCE, ONCE, NEVER),
                )
    for surface in Surface:
        for mode in BOTH:
            title = (
                "a whole answer instead of a stream" if mode is Mode.STREAM else "a stream instead of a whole answer"
            )
            case = Case(
                f"{surface}-form-{mode}", KLASS, title, mode, When.FIRST, (wire("other_form"), OK), (ONCE, NEVER)
            )
            yield replace(case, surface=surface)
    for surface, content in ((Surface.MESSAGES, "content"), (Surface.RESPONSES, "output")):
        for mode in BOTH:
            play = wire("refusal", status=200, body={"type": "message", "object": "response", content: None})
            title = f"{content} that is null"
            case = Case(f"{surface}-nothing-{mode}", KLASS, title, mode, When.FIRST, (play, OK), (ONE_OR_TWO, ONCE))
            yield replace(case, surface=surface)
    whole = wire("other_form")
    yield Case(
        "form-after-a-cut-stream",
        KLASS,
        "cut, and the next endpoint gives a whole answer",
        Mode.STREAM,
        When.AFTER,
        (plays("cut"), whole),
        (ONCE, ONCE),
        dials={"token_interval_ms": 20},
    )
