"""Whole answers whose parts come in pieces: tool calls with odd numbers, contents of several kinds, blocks.

As wholes.py, in which the caller gets what the provider would have given whole; each names the report that shows it.
"""

from collections.abc import Iterator, Mapping, Sequence

from testing.conformance.case import Case, Surface
from testing.conformance.table.wholes import (
    CALLS,
    CITY,
    MESSAGE,
    RESPONDED,
    RESPONSES,
    ROLE,
    TIME,
    TWO,
    Chunk,
    answer_of,
    call_of,
    events_of,
    field_case,
    typed_events,
)


def _rest(index: object, arguments: object, **more: object) -> dict[str, object]:
    return {"index": index, "function": {"arguments": arguments}, **more}


def _calls(*pieces: Sequence[Mapping[str, object]]) -> tuple[Chunk, ...]:
    return ((ROLE, None), *(({CALLS: list(piece)}, None) for piece in pieces), ({}, CALLS))


def _contents(*contents: object) -> tuple[Chunk, ...]:
    return (
        ({"role": "assistant", "content": ""}, None),
        *(({"content": said}, None) for said in contents),
        ({}, "stop"),
    )


def _thinking(text: str) -> list[dict[str, object]]:
    return [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]


def _text(text: str) -> list[dict[str, object]]:
    return [{"type": "text", "text": text}]


def _summary(text: str) -> list[dict[str, object]]:
    return [{"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}]


def _block(text: str, signature: str | None) -> dict[str, object]:
    return {"type": "thinking", "thinking": text, "signature": signature}


def _blocks(*blocks: dict[str, object]) -> dict[str, object]:
    return {"thinking_blocks": list(blocks)}


DETAIL = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
CHAT: tuple[tuple[str, str, Sequence[Chunk | str], dict[str, object]], ...] = (
    (
        "tail-elsewhere",  # agno-agi/agno, pull request 8880
        "a second call with the first one's index, its arguments under the next",
        _calls(
            [call_of(0, "weather", CITY, index=0)], [call_of(1, "time", "", index=0)], [_rest(1, TIME)],
        ),
        answer_of({CALLS: TWO}, CALLS),
    ),
    (
        "known-by-id",  # agno-agi/agno, pull request 8880
        "pieces of two calls that only their ids distinguish",
        _calls(
            [call_of(0, "weather", CITY[:5], index=0)],
            [call_of(1, "time", TIME[:5], index=1)],
            [_rest(0, TIME[5:], id="call_1")],
            [_rest(7, CITY[5:], id="call_0")],
        ),
        answer_of({CALLS: TWO}, CALLS),
    ),
    (
        "unnumbered",  # SamSaffron/term-llm, pull request 314
        "calls and their pieces without an index",
        _calls(
            [call_of(0, "weather", CITY[:5])], [_rest(None, CITY[5:])], [call_of(1, "time", TIME[:5])],
            [_rest(None, TIME[5:])],
        ),
        answer_of({CALLS: TWO}, CALLS),
    ),
    (
        "arguments-object",  # ggml-org/llama.cpp#20198
        "a call's arguments as an object",
        _calls([{"index": 0, "id": "call_0", "function": {"name": "weather", "arguments": {"city": "Tokyo"}}}]),
        answer_of({CALLS: [call_of(0, "weather", '{"city": "Tokyo"}')]}, CALLS),
    ),
    (
        "no-type",  # chatanywhere/GPT_API_free#254
        "a call without a type",
        _calls([{"index": 0, "id": "call_0", "function": {"name": "weather", "arguments": CITY}}]),
        answer_of({CALLS: TWO[:1]}, CALLS),
    ),
    (
        "name-behind",  # vercel/ai, pull request 15879
        "arguments before the name of their call",
        _calls([_rest(0, CITY[:5], id="call_0", type="function")], [call_of(0, "weather", CITY[5:], index=0)]),
        answer_of({CALLS: TWO[:1]}, CALLS),
    ),
    (
        "parts",  # symfony/ai#2422
        "a content of thinking and text, each in pieces",
        _contents(_thinking("I "), _thinking("think"), _text("Yes"), _text(".")),
        answer_of({"content": [*_thinking("I think"), *_text("Yes.")]}, "stop"),
    ),
    (
        "parts-then-text",  # symfony/ai, pull request 2424
        "thinking in parts, then the text as a string",
        _contents(_thinking("I think"), "Yes", ".", ""),
        answer_of({"content": [*_thinking("I think"), *_text("Yes.")]}, "stop"),
    ),
    (
        "summaries",  # databricks/appkit, pull request 559
        "a content of reasoning and text",
        _contents(_summary("I "), _summary("think"), _text("Yes"), _text(".")),
        answer_of({"content": [*_summary("I think"), *_text("Yes.")]}, "stop"),
    ),
    (
        "thinking-blocks",  # openai/openai-agents-python, pull request 4175
        "two signed blocks of thinking",
        (
            ({"role": "assistant", "content": "", **_blocks(_block("I ", None))}, None),
            (_blocks(_block("think", None)), None),
            (_blocks(_block("", "S1")), None),
            (_blocks(_block("More", None)), None),
            (_blocks(_block("", "S2")), None),
            ({"content": "Yes."}, None),
            ({}, "stop"),
        ),
        answer_of({"content": "Yes.", **_blocks(_block("I think", "S1"), _block("More", "S2"))}, "stop"),
    ),
    (
        "signed-details",  # agentjido/req_llm, pull request 300
        "details of reasoning, their signature in a piece of its own",
        (
            ({"role": "assistant", "content": "", "reasoning_details": [{**DETAIL, "text": "I "}]}, None),
            ({"content": "", "reasoning_details": [{**DETAIL, "text": "think"}]}, None),
            ({"content": "", "reasoning_details": [{**DETAIL, "signature": "S1"}]}, None),
            ({"content": "Yes."}, None),
            ({}, "stop"),
        ),
        answer_of({"content": "Yes.", "reasoning_details": [{**DETAIL, "text": "I think", "signature": "S1"}]}, "stop"),
    ),
    (
        "text-of-choices",
        "a chat's text as that of a completion",
        ('data: {"id":"chatcmpl-7","object":"chat.completion.chunk","created":1764000000,"model":"m",'
         '"choices":[{"index":0,"text":"Yes.","finish_reason":null}]}\n\n', ({}, "stop")),
        answer_of({"content": "Yes."}, "stop"),
    ),
)  # fmt: skip


def _message(*blocks: Sequence[Mapping[str, object]], usage: Mapping[str, object]) -> list[object]:
    start: dict[str, object] = {
        **MESSAGE,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9},
    }
    said: list[Mapping[str, object]] = [{"type": "message_start", "message": start}]
    for index, (block, *deltas) in enumerate(blocks):
        if block:
            said.append({"type": "content_block_start", "index": index, "content_block": block})
        said += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        said.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return typed_events(*said, {"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"})


def _thought(text: str, signature: str) -> Sequence[Mapping[str, object]]:
    deltas = [{"type": "thinking_delta", "thinking": text}] if text else []
    sign = {"type": "signature_delta", "signature": signature}
    return ({"type": "thinking", "thinking": "", "signature": ""}, *deltas, sign)


TOLD = ({"type": "text", "text": ""}, {"type": "text_delta", "text": "Y"}, {"type": "text_delta", "text": "es."})
YES = {"type": "text", "text": "Yes."}
HIDDEN = {"type": "redacted_thinking", "data": "E"}
USAGE = {"input_tokens": 9, "output_tokens": 4}
SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search"}
FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "s",
    "content": [{"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": "e", "page_age": None}],
}
CITED = {"type": "web_search_result_location", "url": "u", "title": "t", "encrypted_index": "e", "cited_text": "Yes"}
SEARCHED = {**USAGE, "server_tool_use": {"web_search_requests": 1}}
MESSAGES: tuple[tuple[str, str, list[object], list[object], Mapping[str, object]], ...] = (
    (
        "thoughts",  # openai/openai-agents-python, pull request 4175
        "thinking between redacted thinking, each block signed",
        _message(_thought("a", "S1"), [HIDDEN], _thought("b", "S2"), TOLD, usage=USAGE),
        [{"type": "thinking", "thinking": "a", "signature": "S1"}, HIDDEN,
         {"type": "thinking", "thinking": "b", "signature": "S2"}, YES],
        USAGE,
    ),
    (
        "only-signed",  # open-webui/open-webui, pull request 29860
        "thinking of which only the signature is shown",
        _message(_thought("", "S1"), TOLD, usage=USAGE),
        [{"type": "thinking", "thinking": "", "signature": "S1"}, YES],
        USAGE,
    ),
    (
        "server-tool",  # BerriAI/litellm, pull request 38153
        "a server's own tool, its results and what is cited of them",
        _message(
            ({**SEARCH, "input": {}}, {"type": "input_json_delta", "partial_json": '{"query":"x"}'}),
            (FOUND,),
            ({"type": "text", "text": "", "citations": []}, {"type": "citations_delta", "citation": CITED}, *TOLD[1:]),
            usage=SEARCHED,
        ),
        [{**SEARCH, "input": {"query": "x"}}, FOUND, {**YES, "citations": [CITED]}],
        SEARCHED,
    ),
    (
        "unstarted",  # a block whose start is missing: "Content block not found" in Claude Code
        "text without the start of its block",
        _message(({}, *TOLD[1:]), usage=USAGE),
        [YES],
        USAGE,
    ),
)  # fmt: skip
DONE_ITEM = RESPONSES[-2]
RESPONSES_ENDS: tuple[tuple[str, str, dict[str, object]], ...] = (
    # BerriAI/litellm, pull request 26075
    (
        "no-items",
        "a last event whose list of items is empty",
        {"type": "response.completed", "response": {**RESPONDED, "output": []}},
    ),
    # decolua/9router#705
    (
        "null-items",
        "a last event whose list of items is null",
        {"type": "response.completed", "response": {**RESPONDED, "output": None}},
    ),
    # can1357/oh-my-pi, pull request 4692
    ("done", "response.done as its last event", {"type": "response.done", "response": RESPONDED}),
)


def cases() -> Iterator[Case]:
    for slug, title, chunks, whole in CHAT:
        yield field_case(slug, title, events_of(chunks), whole, Surface.CHAT)
    for slug, title, events, content, usage in MESSAGES:
        whole = {**MESSAGE, "content": content, "stop_reason": "end_turn", "usage": usage}
        yield field_case(slug, title, events, whole, Surface.MESSAGES)
    for slug, title, last in RESPONSES_ENDS:
        yield field_case(slug, title, [*RESPONSES[:-1], *typed_events(last)], RESPONDED, Surface.RESPONSES)
