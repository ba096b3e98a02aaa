"""Where an answer ends: finish reasons that are none, and what comes after one that is."""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Broken, Case, Mode, Play, Policy, Seen, Surface, Turn, When
from testing.conformance.table.rows import BUSY, OK, wire

KLASS = "Where an answer ends"
PATIENT = Policy(first_token_ms=4000, inter_token_ms=4000, request_ms=9000)
ASKS_USAGE: dict[str, object] = {"stream_options": {"include_usage": True}}
NO_REASON = '"finish_reason":null'
STOP = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = "data: [DONE]"
PAUSE = {"pause_at": 3, "pause_s": 1.4}


def _says(reason: str, **more: object) -> Play:
    """Every event that has no reason to finish says this one instead."""
    spaced = NO_REASON.replace(":", ": ")
    return wire(
        "edited", replace=((NO_REASON, f'"finish_reason":{reason}'), (spaced, f'"finish_reason":{reason}')), **more
    )


WHOLE: tuple[tuple[str, str, Play, dict[str, object]], ...] = (
    ("empty", "an empty reason on every event, and a pause", _says('""', **PAUSE), {}),
    ("null-word", "the word null on every event, and a pause", _says('"null"', **PAUSE), {}),
    ("none-word", "Python's None on every event, and a pause", _says('"None"', **PAUSE), {}),
    ("every", "stop on every event, and a pause", _says('"stop"', **PAUSE), {}),
    (
        "early",
        "stop after some text, a pause, and more text",
        wire("edited", insert=STOP, at=4, pause_at=5, pause_s=1.4),
        {},
    ),
    (
        "usage-late",
        "usage 2 s after the finish, for a caller who asked",
        wire("edited", pause_at=-2, pause_s=2.0),
        ASKS_USAGE,
    ),
    ("usage-unasked", "usage 2 s after the finish, for one who did not", wire("edited", pause_at=-2, pause_s=2.0), {}),
    ("done-late", "[DONE] 2 s after the rest", wire("edited", pause_at=-1, pause_s=2.0), {}),
    ("false", "false on every event, and a pause", _says("false", **PAUSE), {}),
    ("zero", "0 on every event, and a pause", _says("0", **PAUSE), {}),
    ("at-role", "stop in the first event, then a pause, then the text", wire("edited", insert=STOP, at=0, **PAUSE), {}),
    ("twice", "the finish comes twice", wire("edited", insert=STOP, at=-2), {}),
    ("done-tight", "[DONE] without a space", wire("edited", replace=(("data: [DONE]", "data:[DONE]"),)), {}),
    ("done-spaced", "[DONE] with a space behind", wire("edited", replace=(("data: [DONE]", "data: [DONE] "),)), {}),
    ("done-named", "[DONE] as an event of that name", wire("edited", replace=((DONE, f"event: done\n{DONE}"),)), {}),
    ("done-twice", "[DONE] twice", wire("edited", replace=((DONE, f"{DONE}\n\n{DONE}"),)), {}),
    (
        "usage-behind",  # Continuum-AI-Corp/OrcaRouter-Lite#127
        "[DONE] before the account of tokens, for a caller who asked",
        wire("edited", insert=f"{DONE}\n\n", at=-2),
        ASKS_USAGE,
    ),
    (
        "usage-behind-late",
        "[DONE], and the account of tokens 0.2 s later, for a caller who asked",
        wire("edited", insert=f"{DONE}\n\n", at=-2, pause_at=-2, pause_s=0.2),
        ASKS_USAGE,
    ),
    (
        "alive-then-usage",
        "keep-alives after the finish, then usage, for a caller who asked",
        wire("edited", insert=": keep-alive\n\n" * 3, at=-2, pause_at=-2, pause_s=1.5),
        ASKS_USAGE,
    ),
)


def cases() -> Iterator[Case]:
    for slug, title, play, request in WHOLE:
        base = _case(f"finish-{slug}", title, (play, OK), (ONCE, NEVER), request)
        yield base
        yield replace(
            base, name=f"{base.name}-later", when=When.LATER, plays=(BUSY, play, OK), seen=(ONCE, ONCE, NEVER)
        )
    for slug, reason in (("empty", '""'), ("null-word", '"null"')):
        case = _case(
            f"finish-{slug}-cut", f"{reason} on every event, then cut", (_says(reason, cut_at=5),), (Seen(1, 2),), {}
        )
        yield replace(case, when=When.AFTER, turns=(Turn(Broken()),), policy=replace(PATIENT, recovery="Error"))
    for slug, reason in (("empty", '""'), ("null-word", '"null"')):
        ends = wire("edited", replace=(('"stop_reason":null', f'"stop_reason":{reason}'),), **PAUSE)
        case = _case(
            f"messages-finish-{slug}",
            f"{reason} as a message's stop_reason at its start",
            (ends, OK),
            (ONCE, NEVER),
            {},
        )
        yield replace(case, surface=Surface.MESSAGES)


def _case(slug: str, title: str, playing: tuple[Play, ...], seen: tuple[Seen, ...], request: dict[str, object]) -> Case:
    name = f"{slug}-stream"
    return Case(name, KLASS, title, Mode.STREAM, When.FIRST, playing, seen, policy=PATIENT, request=request)
