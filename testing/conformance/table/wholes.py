"""Whole answers of providers whose streams are odd: the caller gets what the provider would have given whole.

The streams are those that accumulators of others put together wrongly; each names the report that shows it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from testing.conformance.case import NEVER, ONCE, Body, Case, Mode, Surface, Turn, When
from testing.conformance.table.rows import OK, wire

KLASS = "A whole answer, in every field"
HEAD = {"id": "chatcmpl-7", "object": "chat.completion.chunk", "created": 1764000000, "model": "m"}
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
ROLE = {"role": "assistant", "content": None}
Delta = Mapping[str, object] | None
Chunk = tuple[Delta, str | None]


def chunk_of(delta: Delta, reason: str | None) -> dict[str, object]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def events_of(chunks: Sequence[Chunk | str]) -> list[object]:
    said = [chunk if isinstance(chunk, str) else chunk_of(*chunk) for chunk in chunks]
    return [*said, {**HEAD, "choices": [], "usage": USAGE}, "data: [DONE]\n\n"]


def answer_of(message: Mapping[str, object], reason: str) -> dict[str, object]:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": reason}
    return {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}


def call_of(number: int, name: str, arguments: str, **more: object) -> dict[str, object]:
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}, **more}


CITY, TIME = '{"city":"Tokyo"}', '{"zone":"UTC"}'
TWO = [call_of(0, "weather", CITY), call_of(1, "time", TIME)]
CALLS = "tool_calls"
CHAT: tuple[tuple[str, str, Sequence[Chunk | str], dict[str, object]], ...] = (
    (
        "calls-at-once",  # BerriAI/litellm#7364
        "two whole tool calls in one event",
        (
            (ROLE, None),
            ({CALLS: [call_of(0, "weather", CITY, index=0), call_of(1, "time", TIME, index=1)]}, None),
            ({}, CALLS),
        ),
        answer_of({CALLS: TWO}, CALLS),
    ),
    (
        "text-then-call",  # BerriAI/litellm#2716
        "a sentence before a tool call",
        (
            ({"role": "assistant", "content": "Let me "}, None),
            ({"content": "look."}, None),
            ({CALLS: [call_of(0, "weather", "", index=0)]}, None),
            ({CALLS: [{"index": 0, "function": {"arguments": CITY}}]}, None),
            ({}, CALLS),
        ),
        answer_of({"content": "Let me look.", CALLS: TWO[:1]}, CALLS),
    ),
    (
        "nulls-everywhere",  # BerriAI/litellm#4091
        "members that are null beside those that are not",
        (
            ({"role": "assistant", "content": "Certainly", "function_call": None, CALLS: None}, None),
            ({"role": None, "content": "", CALLS: [call_of(0, "weather", "", index=0)]}, None),
            ({"role": None, "content": None, CALLS: [{"index": 0, "id": None, "type": None,
                                                      "function": {"name": None, "arguments": CITY}}]}, None),
            ({"role": None, "content": None, CALLS: None}, CALLS),
        ),
        answer_of({"content": "Certainly", CALLS: TWO[:1]}, CALLS),
    ),
    (
        "reason-on-each-call",  # BerriAI/litellm, pull request 31634
        "a finish reason with the first call, and another call behind it",
        (
            (ROLE, None),
            ({CALLS: [call_of(0, "weather", CITY, index=0)]}, CALLS),
            ({CALLS: [call_of(1, "time", TIME, index=1)]}, CALLS),
        ),
        answer_of({CALLS: TWO}, CALLS),
    ),
    (
        "delta-null",  # microsoft/agent-framework, pull request 5734
        "a delta that is null where the answer finishes",
        (({"role": "assistant", "content": "Yes"}, None), ({"content": "."}, None), (None, "stop")),
        answer_of({"content": "Yes."}, "stop"),
    ),
    (
        "empty-piece-of-a-call",  # deepset-ai/haystack, pull request 9565
        "a piece of a call with neither name nor arguments",
        (
            ({"role": "assistant", "content": None, CALLS: [call_of(0, "weather", "", index=0)]}, None),
            ({CALLS: [{"index": 0, "id": "", "function": {"name": None, "arguments": None}}]}, None),
            ({CALLS: [{"index": 0, "id": "", "function": {"name": "", "arguments": CITY}}]}, None),
            ({}, CALLS),
        ),
        answer_of({CALLS: TWO[:1]}, CALLS),
    ),
    (
        "choices-null",  # pydantic/pydantic-ai, pull request 5170
        "an event whose choices are null",
        (
            ({"role": "assistant", "content": "Yes"}, None),
            'data: {"id":"chatcmpl-7","choices":null}\n\n',
            ({"content": "."}, None),
            ({}, "stop"),
        ),
        answer_of({"content": "Yes."}, "stop"),
    ),
    (
        "crlf-without-a-space",  # kubernetes-sigs/inference-perf, pull request 781
        "lines that end in CR LF, and no space behind the colon",
        (
            f'data:{{"id":"chatcmpl-7","object":"chat.completion.chunk","created":{HEAD["created"]},"model":"m",'
            '"choices":[{"index":0,"delta":{"role":"assistant","content":"Yes"},"finish_reason":null}]}\r\n\r\n',
            ({"content": "."}, None),
            ({}, "stop"),
        ),
        answer_of({"content": "Yes."}, "stop"),
    ),
    (
        "comments-between",  # diegosouzapw/OmniRoute#7031
        "comments with values right before the end",
        (
            ": keepalive\n\n",
            ({"role": "assistant", "content": "Yes."}, None),
            ({}, "stop"),
            ": x-cost=0.0001\n: x-provider=other\n",
        ),
        answer_of({"content": "Yes."}, "stop"),
    ),
)  # fmt: skip


def typed_events(*events: Mapping[str, object]) -> list[object]:
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]


MESSAGE = {"id": "msg_7", "type": "message", "role": "assistant", "model": "m"}
TOOL = {"type": "tool_use", "id": "toolu_7", "name": "weather"}


def message_events(start_input: object, *deltas: str) -> list[object]:
    return typed_events(
        {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None, "stop_sequence": None,
                                              "usage": {"input_tokens": 9, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {**TOOL, "input": start_input}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": delta}}
          for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None},
         "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    )  # fmt: skip


USED = {
    **MESSAGE,
    "content": [{**TOOL, "input": {"city": "Tokyo"}}],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 9, "output_tokens": 4},
}
MESSAGES: tuple[tuple[str, str, list[object]], ...] = (
    (
        "input-at-the-start",  # inflaborg/ccrelay, pull request 119
        "a tool's input in the block's first event, and no piece of it",
        message_events({"city": "Tokyo"}),
    ),
    (
        "input-twice",  # trpc-group/trpc-agent-go, pull request 1649
        "a tool's input in the block's first event, and in pieces again",
        message_events({"city": "?"}, '{"city":', '"Tokyo"}'),
    ),
    (
        "empty-piece",
        "an empty piece before a tool's input",
        message_events({}, "", CITY),
    ),  # anthropic-sdk-typescript#454
)

CALL = {"type": "function_call", "id": "fc_7", "call_id": "call_7", "name": "add", "arguments": '{"a":5,"b":7}'}
RESPONSE = {"id": "resp_7", "object": "response", "created_at": 1764000000, "model": "m"}
RESPONDED = {**RESPONSE, "status": "completed", "output": [{**CALL, "status": "completed"}],
             "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}}  # fmt: skip
RESPONSES = typed_events(  # BerriAI/litellm#27144
    {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}},
    {"type": "response.function_call_arguments.done", "output_index": 0, "item_id": "fc_7",
     "arguments": CALL["arguments"]},
    {"type": "response.output_item.done", "output_index": 0, "item": {**CALL, "status": "completed"}},
    {"type": "response.completed", "response": RESPONDED},
)  # fmt: skip


def field_case(slug: str, title: str, events: list[object], whole: Mapping[str, object], surface: Surface) -> Case:
    dialect = "VLLM" if surface is Surface.MESSAGES else "OpenAI"
    play = replace(wire("said", events=events, whole=whole), dialect=dialect)
    return Case(
        f"field-{slug}-whole", KLASS, title, Mode.WHOLE, When.FIRST, (play, OK), (ONCE, NEVER), (Turn(Body(whole)),),
        surface=surface,
    )  # fmt: skip


def cases() -> Iterator[Case]:
    for slug, title, chunks, whole in CHAT:
        yield field_case(slug, title, events_of(chunks), whole, Surface.CHAT)
    for slug, title, events in MESSAGES:
        yield field_case(slug, title, events, USED, Surface.MESSAGES)
    title = "a call's arguments in one event, and no piece of them"
    yield field_case("arguments-at-once", title, RESPONSES, RESPONDED, Surface.RESPONSES)
