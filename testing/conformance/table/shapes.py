"""Answers that say nothing, and good ones in a form, under a type or with a status that was not asked for."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Case, Mode, Play, Seen, Surface, When
from testing.conformance.table.rows import BOTH, BUSY, OK, Fault, passed_over, plays, wire

KLASS = "Shapes of an answer"
BASE: dict[str, object] = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
ONE_OR_TWO = Seen(1, 2)
"""A server's error is tried once more before the request leaves its tier."""
NULL_DELTA = 'data: {"choices":[{"index":0,"delta":null,"finish_reason":null}]}\n\n'
NO_DELTA = 'data: {"choices":[{"index":0,"finish_reason":null}]}\n\n'
NULL_CONTENT = 'data: {"choices":[{"index":0,"delta":{"content":null},"finish_reason":null}]}\n\n'
FILTER = 'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[]}\n\n'
CLOCK = "2026-04-07 20:20:50.554328"
EMPTY_PING = 'event: ping\ndata: ""\n\n'
NOTHING: tuple[tuple[str, str, object], ...] = (
    ("null", "choices are null", {**BASE, "choices": None, "usage": None}),
    ("empty", "no choices", {**BASE, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 0}}),
    ("no-message", "a choice without a message", {**BASE, "choices": [{"index": 0, "finish_reason": "stop"}]}),
    ("null-choice", "a choice that is null", {**BASE, "choices": [None]}),
    ("envelope", "a success of a vendor's own", {"code": 0, "msg": "success", "data": None}),
    ("html", "a string", "<html>please log in</html>"),
    ("empty-object", "an empty object", {}),
    ("null-body", "null", None),
    ("empty-list", "an empty list", []),
    ("object-choices", "choices that are an object", {**BASE, "choices": {}}),
    ("word-choices", "choices that are a word", {**BASE, "choices": "none"}),
    ("null-message", "a message that is null", {**BASE, "choices": [{"index": 0, "message": None}]}),
    ("result", "Cloudflare's envelope", {"result": None, "success": False, "errors": [], "messages": []}),
    ("tool-list", "no choices, and usage that was counted", {**BASE, "choices": [], "usage": {"completion_tokens": 9}}),
)
SILENT: tuple[tuple[str, str, str], ...] = (
    ("done", "[DONE] and nothing else", "data: [DONE]\n\n"),
    ("null", "null as an event", "data: null\n\ndata: [DONE]\n\n"),
    ("empty", "an empty object as an event", "data: {}\n\ndata: [DONE]\n\n"),
    ("choiceless", "events without choices", 'data: {"id":"x","choices":null}\n\ndata: [DONE]\n\n'),
    ("alive", "keep-alives and [DONE]", ": keep-alive\n\n: keep-alive\n\ndata: [DONE]\n\n"),
    (
        "null-delta",
        "a delta that is null, and a finish",
        'data: {"choices":[{"index":0,"delta":null,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    ),
    (
        "usage",
        "an account of no tokens",
        'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":0}}\n\ndata: [DONE]\n\n',
    ),
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
    ("html", "as text/html", wire("named", type="text/html; charset=utf-8")),
    ("lines", "as application/x-ndjson", wire("named", type="application/x-ndjson")),
    ("capitals", "as TEXT/EVENT-STREAM", wire("named", type="TEXT/EVENT-STREAM;CHARSET=UTF-8")),
    ("other-source", "with status 203", wire("named", status=203)),
)
EVENTS: tuple[tuple[str, str, Play], ...] = (
    ("mark", "after a byte order mark", wire("named", before="\ufeff")),
    ("processing", "after a comment of an aggregator", wire("named", before=": OPENROUTER PROCESSING\n\n")),
    ("retry", "after a field that is no data", wire("named", before="retry: 3000\n\n")),
    ("lines-of-data", "its data in several lines", wire("edited", replace=(('"choices":', '\ndata: "choices":'),))),
    ("null-delta", "with a delta that is null", wire("edited", insert=NULL_DELTA, at=3)),
    ("no-delta", "with a choice without a delta", wire("edited", insert=NO_DELTA, at=3)),
    ("null-content", "with a content that is null", wire("edited", insert=NULL_CONTENT, at=3)),
    # aaif-goose/goose, pull request 11816
    ("word", "with a heartbeat that is a word", wire("edited", insert="data: ping\n\n", at=3)),
    # missuo/FreeGPT35, pull request 29
    ("time", "with a heartbeat that is the time of day", wire("edited", insert=f"data: {CLOCK}\n\n", at=3)),
    # caozhiyuan/copilot-api, pull request 88
    ("no-data", "with a ping whose data are an empty string", wire("edited", insert=EMPTY_PING, at=0)),
    ("filter", "after Azure's account of its filter", wire("edited", insert=FILTER, at=0)),
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
            if slug in ("plain", "created", "html"):
                yield replace(
                    base,
                    name=f"good-{slug}-later-{mode}",
                    when=When.LATER,
                    plays=(BUSY, play, OK),
                    seen=(ONCE, ONCE, NEVER),
                )
    packed = Fault(KLASS, "packed", "packed with gzip, though nobody asked for that", wire("packed", coding="gzip"))
    yield from passed_over(replace(packed, seen=ONE_OR_TWO), later=False)
    for slug, title, tail in SILENT:
        play = wire("then", after_events=0, tail=tail)
        yield from passed_over(
            Fault(KLASS, f"silent-{slug}", title, play, seen=ONE_OR_TWO, modes=(Mode.STREAM,)), later=False
        )
    for slug, title, play in EVENTS:
        yield Case(
            f"events-{slug}-stream", KLASS, f"a good stream {title}", Mode.STREAM, When.FIRST, (play, OK), (ONCE, NEVER)
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
