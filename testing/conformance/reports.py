"""Programs for what public bug reports show: good answers that are said oddly, and refusals that depend on the request.

Each takes the good answer of the scripted provider (wire.py) and changes what its plan names.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import starmap

from testing.fakes.deepseek import jsonin

Bytes = Iterator[bytes | float]
Origin = Callable[[bytes], bytes]
HEAD = "HTTP/1.1 {status} Fine\r\n{kind}connection: close\r\n\r\n"
EVENT_STREAM = "text/event-stream; charset=utf-8"
TORN_BYTES = 97
PACE_S = 0.02
"""Between events, so that a caller has what was sent before a fault."""


def _head(plan: Mapping[str, object], kind: str) -> bytes:
    said = plan.get("type", kind)
    line = f"content-type: {said}\r\n" if said else ""
    return HEAD.format(status=plan.get("status", 200), kind=line).encode()


def _kind(body: bytes) -> str:
    return EVENT_STREAM if json.loads(body).get("stream") else "application/json"


def named(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A good answer under another `type` ("" for none), `status`, or after a few bytes (`before`)."""
    yield _head(plan, _kind(body)) + jsonin.string(plan.get("before", ""), "before").encode() + good(body)


def packed(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A good answer under a content coding that nobody asked for."""
    head = _head(plan, _kind(body)).removesuffix(b"\r\n")
    yield head + f"content-encoding: {plan['coding']}\r\n\r\n".encode() + gzip.compress(good(body))


def other_form(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A whole answer to who asked for a stream, a stream to who asked for a whole one."""
    asked = {name: value for name, value in json.loads(body).items() if name != "stream_options"}
    other = json.dumps({**asked, "stream": not asked.get("stream")}).encode()
    yield _head(plan, _kind(other)) + good(other)


def one_event(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A whole answer in one event, to who asked for a stream."""
    asked = {name: value for name, value in json.loads(body).items() if name != "stream_options"}
    yield _head(plan, EVENT_STREAM)
    yield b"data: " + good(json.dumps({**asked, "stream": False}).encode()) + b"\n\ndata: [DONE]\n\n"


def edited(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A good stream with some words of its events replaced (`replace`), an event put in at a place (`insert`, `at`),
    a pause at a place (`pause_at`, `pause_s`), and without its end after `cut_at` events. Places count from the role's
    event on; below zero from [DONE] back."""
    events = [event + b"\n\n" for event in good(body).split(b"\n\n")[:-1]]
    for old, new in _pairs(plan.get("replace")):
        events = [event.replace(old.encode(), new.encode()) for event in events]
    if "insert" in plan:
        events.insert(_place(plan, "at", events), jsonin.string(plan["insert"], "insert").encode())
    pause_at = _place(plan, "pause_at", events) if "pause_at" in plan else None
    sent = events[: _place(plan, "cut_at", events)] if "cut_at" in plan else events
    yield _head(plan, EVENT_STREAM)
    for place, event in enumerate(sent):
        if place == pause_at:
            yield jsonin.number(plan["pause_s"], "pause_s")
        yield event
        yield PACE_S


def without(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A good stream without the events that have one of the `words`, some replaced (`replace`), `more` at the end."""
    words = plan["words"]
    assert isinstance(words, (list, tuple))
    events = [event + b"\n\n" for event in good(body).split(b"\n\n")[:-1]]
    kept = [event for event in events if not any(str(word).encode() in event for word in words)]
    yield _head(plan, EVENT_STREAM)
    if plan.get("unended"):
        kept[-1] = kept[-1].rstrip(b"\n")
    for event in [*kept, jsonin.string(plan.get("more", ""), "more").encode()]:
        for old, new in _pairs(plan.get("replace")):
            event = event.replace(old.encode(), new.encode())
        yield event
        yield PACE_S


def lined(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A good stream with one line `end` behind an event; bare: lines of JSON, nothing else. torn: in small pieces."""
    text = good(body)
    if plan.get("bare"):
        text = b"".join(line[6:] + b"\n" for line in text.split(b"\n") if line.startswith(b"data: {"))
    else:
        text = text.replace(b"\n\n", b"\n")
    text = text.replace(b"\n", jsonin.string(plan.get("end", "\n"), "end").encode())
    yield _head(plan, EVENT_STREAM)
    size = TORN_BYTES if plan.get("torn") else len(text)
    for start in range(0, len(text), size):
        yield text[start : start + size]
        yield PACE_S / 4


def _pairs(value: object) -> list[tuple[str, str]]:
    return [(str(old), str(new)) for old, new in value] if isinstance(value, (list, tuple)) else []


def _place(plan: Mapping[str, object], name: str, events: list[bytes]) -> int:
    place = jsonin.integer(plan[name], name)
    return place if place >= 0 else len(events) + place


def refuses_member(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A refusal (`status`, `body`) to who sends a `member`, a good answer to who does not."""
    if plan["member"] in json.loads(body):
        text = plan["body"]
        yield _head(plan, "application/json") + (text if isinstance(text, str) else json.dumps(text)).encode()
    else:
        yield _head({}, _kind(body)) + good(body)


def refuses_prefix(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A refusal to who gives the start of an answer, a good answer to who does not."""
    if _has_prefix(body):
        yield _head(plan, "application/json") + json.dumps(plan["body"]).encode()
    else:
        yield _head({}, _kind(body)) + good(body)


def starts_anew(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """To who gives the start of an answer a document of its own, as servers do that start a grammar anew."""
    if _has_prefix(body):
        delta = {"choices": [{"index": 0, "delta": {"content": '{"name": "Bob"}'}, "finish_reason": None}]}
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        yield _head({}, EVENT_STREAM) + scripted_events(delta, end) + b"data: [DONE]\n\n"
    else:
        yield _head({}, _kind(body)) + good(body)


def _has_prefix(body: bytes) -> bool:
    last = json.loads(body)["messages"][-1]
    return isinstance(last, dict) and last.get("role") == "assistant"


def scripted_events(*said: object) -> bytes:
    return b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in said)


def calls(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """Pieces of tool calls, an event each: [index, id, name, arguments], or a list of several. `cut`: no end."""
    pieces = plan["pieces"]
    assert isinstance(pieces, (list, tuple))
    yield _head({}, EVENT_STREAM)
    for piece in pieces:
        several = piece if isinstance(piece[0], (list, tuple)) else [piece]
        delta = {"tool_calls": list(starmap(_call, several))}
        yield scripted_events({"id": plan.get("id", "x"), "choices": [_choice(delta, None)]})
        yield PACE_S
    if not plan.get("cut"):
        yield scripted_events({"id": plan.get("id", "x"), "choices": [_choice({}, "tool_calls")]}) + b"data: [DONE]\n\n"


def said(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """The `events` as they stand to who asks for a stream, `whole` to who does not."""
    if json.loads(body).get("stream"):
        events = plan["events"]
        assert isinstance(events, (list, tuple))
        yield _head(plan, EVENT_STREAM)
        for event in events:
            yield event.encode() if isinstance(event, str) else scripted_events(event)
    else:
        yield _head(plan, "application/json") + json.dumps(plan["whole"]).encode()


def headed(body: bytes, good: Origin, plan: Mapping[str, object]) -> Bytes:
    """A good answer behind a `head` of its own; {kind}: its content type."""
    yield jsonin.string(plan["head"], "head").replace("{kind}", _kind(body)).encode() + good(body)


def _choice(delta: object, reason: str | None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "finish_reason": reason}


def _call(index: int | None, id_: str | None, name: str | None, arguments: str | None) -> dict[str, object]:
    named = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {
        **({} if index is None else {"index": index}),
        "function": named,
        **({"id": id_, "type": "function"} if id_ else {}),
    }


PROGRAMS = {
    "named": named,
    "packed": packed,
    "other_form": other_form,
    "one_event": one_event,
    "edited": edited,
    "without": without,
    "lined": lined,
    "refuses_member": refuses_member,
    "refuses_prefix": refuses_prefix,
    "starts_anew": starts_anew,
    "calls": calls,
    "said": said,
    "headed": headed,
}
