"""Streams whose servers leave something out that clients need, each from a public report: the events around a text, the
last event, the reason to stop, the empty line between two events, the list around a tool call.
"""

from collections.abc import Iterator
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Called, Case, Mode, Play, Policy, Surface, Turn, When
from testing.conformance.table.rows import BUSY, OK, wire
from testing.conformance.table.wholes import CALLS, CITY, ROLE, TWO, answer_of, call_of, events_of, field_case

KLASS = "What a server leaves out"
PATIENT = Policy(first_token_ms=4000, inter_token_ms=4000, request_ms=9000)
COMPLETED = "response.completed"
ITEM_EVENTS = ("output_item", "content_part", "output_text.done")
NO_OUTPUT = (('"output":[{', '"output":[],"left":[{'), ('"output": [{', '"output": [], "left": [{'))
DONE = "data: [DONE]\n\n"
NDJSON = "application/x-ndjson"
OBJECT = {"index": 0, "id": "call_0", "type": "function", "function": {"name": "weather", "arguments": CITY}}
AUDIO = {"id": "audio_7", "expires_at": 1764003600, "data": "AAAA/w==", "transcript": "Yes."}

STREAMS: tuple[tuple[str, str, Surface, Play], ...] = (
    # musistudio/claude-code-router and others translate chat into pieces of text alone
    ("items", "text in pieces, and no event of its item", Surface.RESPONSES,
     wire("without", words=ITEM_EVENTS, replace=NO_OUTPUT)),
    # router-for-me/CLIProxyAPI#4860: Codex shows no answer whose item is not done
    ("item-done", "a text whose item is announced and never done", Surface.RESPONSES,
     wire("without", words=("output_item.done",))),
    ("item-done-output", "the same, and the last event lists nothing", Surface.RESPONSES,
     wire("without", words=("output_item.done", "content_part.done", "output_text.done"), replace=NO_OUTPUT)),
    # decolua/9router#705
    ("output", "a last event without the items that are done", Surface.RESPONSES,
     wire("without", words=(), replace=NO_OUTPUT)),
    # moeru-ai/airi, pull request 2593
    ("last-event", "every item is done, and then the end", Surface.RESPONSES, wire("without", words=(COMPLETED,))),
    # decolua/9router, pull request 1648
    ("last-event-done", "every item is done, and then [DONE]", Surface.RESPONSES,
     wire("without", words=(COMPLETED,), more=DONE)),
    # BerriAI/litellm#24045: message_stop is all that ends a message
    ("stop-reason", "message_stop without a reason before it", Surface.MESSAGES,
     wire("without", words=('"message_delta"',))),
    # anthropics/anthropic-sdk-python: its client reads no event that has no name
    ("names", "events of a message without their names", Surface.MESSAGES, wire("lined", bare=True)),
    ("twice", "the name of the field twice", Surface.CHAT,
     wire("without", words=(), replace=(("data: {", "data: data: {"),))),
    ("unended", "the last event is not ended, and no [DONE]", Surface.CHAT,
     wire("without", words=("data: [DONE]", '"choices":[]', '"choices": []'), unended=True)),
    ("lines", "one line end between two events", Surface.CHAT, wire("lined")),
    ("lines-torn", "the same in small pieces", Surface.CHAT, wire("lined", torn=True)),
    ("lines-crlf", "the same with CRLF", Surface.CHAT, wire("lined", end="\r\n")),
    ("lines-messages", "one line end between the events of a message", Surface.MESSAGES, wire("lined")),
    ("lines-responses", "one line end between the events of a response", Surface.RESPONSES, wire("lined", torn=True)),
    ("ndjson", "lines of JSON under their own type", Surface.CHAT, wire("lined", bare=True, type=NDJSON)),
    ("ndjson-as-json", "lines of JSON as if they were one", Surface.CHAT,
     wire("lined", bare=True, type="application/json")),
    ("ndjson-torn", "lines of JSON in small pieces", Surface.CHAT, wire("lined", bare=True, torn=True, type=NDJSON)),
    ("ndjson-responses", "a response in lines of JSON", Surface.RESPONSES, wire("lined", bare=True, type=NDJSON)),
)  # fmt: skip


def _sound(**more: object) -> dict[str, object]:
    return {"audio": {"id": AUDIO["id"], **more}}


WHOLES: tuple[tuple[str, str, list[object], dict[str, object]], ...] = (
    (
        "call-object",
        "a tool call as an object",
        events_of([(ROLE, None), ({CALLS: OBJECT}, None), ({}, CALLS)]),
        answer_of({CALLS: [call_of(0, "weather", CITY)]}, CALLS),
    ),
    (
        "call-object-pieces",
        "a tool call in pieces, each an object",
        events_of([
            (ROLE, None), ({CALLS: call_of(0, "weather", "", index=0)}, None),
            ({CALLS: {"index": 0, "function": {"arguments": CITY}}}, None), ({}, CALLS),
        ]),
        answer_of({CALLS: [call_of(0, "weather", CITY)]}, CALLS),
    ),
    (
        "audio",  # QwenLM/Qwen2.5-Omni: a sound in pieces of base64, its words beside
        "a sound and its transcript in pieces",
        events_of([
            (ROLE, None), (_sound(transcript="Ye"), None), (_sound(data="AAAA"), None), (_sound(transcript="s."), None),
            (_sound(data="/w=="), None), (_sound(expires_at=AUDIO["expires_at"]), None), ({}, "stop"),
        ]),
        answer_of({"audio": AUDIO}, "stop"),
    ),
)  # fmt: skip


def cases() -> Iterator[Case]:
    for slug, title, surface, play in STREAMS:
        play = replace(play, dialect="DeepSeek" if surface is Surface.MESSAGES else "OpenAI")
        for mode in (Mode.STREAM, Mode.WHOLE):
            first = Case(
                f"left-out-{slug}-{mode}", KLASS, title, mode, When.FIRST, (play, OK), (ONCE, NEVER), surface=surface,
                policy=PATIENT,
            )  # fmt: skip
            yield first
        yield replace(
            first, name=f"left-out-{slug}-later", mode=Mode.STREAM, when=When.LATER, plays=(BUSY, play, OK),
            seen=(ONCE, ONCE, NEVER),
        )  # fmt: skip
    for slug, title, events, whole in WHOLES:
        yield replace(field_case(slug, title, events, whole, Surface.CHAT), name=f"left-out-{slug}-whole", klass=KLASS)
    call = wire("said", events=WHOLES[0][2], whole={})
    wants = Turn(Called((("weather", CITY),)))
    yield Case(
        "left-out-call-object-stream", KLASS, WHOLES[0][1], Mode.STREAM, When.FIRST, (call, OK), (ONCE, NEVER), (wants,)
    )
    asked_whole = replace(call, plan={**call.plan, "whole": answer_of({CALLS: TWO[0]}, CALLS)})
    said = answer_of({CALLS: TWO[:1]}, CALLS)
    base = field_case("x", "a whole answer with a tool call as an object", [], said, Surface.CHAT)
    yield replace(
        base,
        name="left-out-call-object-as-asked",
        klass=KLASS,
        plays=(asked_whole, OK),
        policy=Policy(whole_answers="AsAsked"),
    )
