"""The prober's Python and the router's Lua see the same events in a stream, and the same meaning in an event."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.router.meaning import kind
from poolkeeper.probing.phases import Ending, Exchange, Usage
from poolkeeper.probing.sse import EventReader, is_stream
from poolkeeper.probing.stream import AnswerReader
from testing.lua_calls import as_lua, decoded, function

lua_events = function(
    """function(stream)
         local sse = require "core.answer.sse"
         local text, pos, found = sse.without_bom(stream), 1, {}
         while true do
           local stop, next_pos = sse.boundary(text, pos, true, sse.has_cr(text))
           if not stop then return found end
           local data, name = sse.data(text:sub(pos, stop))
           if not data then data, name = sse.unnamed(text:sub(pos, stop)) end
           if data then
             found[#found + 1] = name or ""
             found[#found + 1] = data
           end
           pos = next_pos
         end
       end"""
)
lua_kind = function(
    """function(event, decode)
         local openai, sse = require "core.protocol.openai", require "core.answer.sse"
         return (openai.new_reader(decode, 1):read(event, 1, (sse.boundary(event, 1, true, false))))
       end"""
)

lua_whole = function(
    """function(body, decode)
         local cost, empty = require "core.document.cost", require "core.answer.empty"
         local openai = require "core.protocol.openai"
         local is_answer, cut, usage = openai.read_whole(body, decode, "choices")
         usage = usage or {}
         local prompt, made = cost.tokens(usage.prompt_tokens) or 0, cost.tokens(usage.completion_tokens) or 0
         local cached = cost.of({ input = 0, cached_input = 1e6, output = 0 }, usage, 100)
         return is_answer, cut ~= nil, empty.is_whole(body, decode), prompt, made, cached
       end"""
)
lua_form = function('require("core.answer.form").of')

FRAGMENTS = (
    "\n", "\r", "\r\n", "\n\n", "data:", "data: ", "data", "event: error", "event:", ":", ": ping", "id: 1", "a", " ",
    "[DONE]", "error:", "{", "}", "\ufeff", "\ufeff\ufeff", "\u2028", "\x0b", "\x85", "\0",
)  # fmt: skip
streams = st.lists(st.sampled_from(FRAGMENTS), max_size=20).map("".join)


@given(streams, st.lists(st.integers(0, 100), max_size=8))
def test_both_languages_see_the_same_events(stream: str, cut_at: list[int]) -> None:
    sent = stream.encode()
    edges = [0, *sorted({min(cut, len(sent)) for cut in cut_at}), len(sent)]
    flat = [str(part) for part in cast("Mapping[int, str]", lua_events(as_lua(stream))).values()]
    want = list(zip(flat[::2], flat[1::2], strict=True))

    reader = EventReader()
    seen = [event for a, b in pairwise(edges) for event in reader.feed(sent[a:b])]

    assert [(as_lua(event.name), as_lua(event.data)) for event in seen] == want


said: st.SearchStrategy[object] = st.sampled_from(
    ["x", "x", "", None, True, 0, 7, [], {}, [{"index": 0}], ["x"], {"text": ""}]
)
MEMBERS = (
    "role", "content", "reasoning", "reasoning_content", "reasoning_details", "refusal", "tool_calls", "audio", "text",
)  # fmt: skip
deltas = st.dictionaries(st.sampled_from(MEMBERS), said, min_size=1, max_size=2)
choices = st.fixed_dictionaries(
    {"delta": deltas | deltas | st.sampled_from([{}, None, "x"])},
    optional={
        "index": st.integers(0, 1),
        "message": deltas,
        "text": said,
        "finish_reason": st.sampled_from(
            [
                "stop",
                "length",
                "error",
                "insufficient_system_resource",
                "",
                "null",
                "None",
                None,
                1,
                "network_error",
                "abort",
            ]
        ),
        "native_finish_reason": st.sampled_from(["stop", "ERROR", "timeout", None, 1]),
    },
)
rest = st.fixed_dictionaries(
    {},
    optional={
        "error": st.sampled_from(
            [
                None,
                False,
                "",
                " ",
                "busy",
                {},
                {"message": "busy"},
                {"message": "", "code": None},
                {"code": 0},
                [1],
                [""],
            ]
        ),
        "error_message": st.sampled_from(["x", 7]),
        "object": st.sampled_from(["error", "chat.completion.chunk", None]),
        "message": st.sampled_from(["x", "", 7]),
        "usage": st.just({"prompt_tokens": 1}),
        "model": said,
    },
)
answers = st.builds(lambda choice: {"choices": [choice]}, choices)
odd_answers = st.builds(
    lambda found, more: {"choices": found, **more} if found is not None else more,
    st.none() | st.just("x") | st.lists(choices | st.just("x"), max_size=1),  # a probe asks for one choice
    rest,
)
data = (
    answers.map(json.dumps)
    | odd_answers.map(json.dumps)
    | said.map(json.dumps)
    | st.sampled_from(["", "[DONE]", " [DONE]", "{", "<html>"])
)


def read(body: str, content_type: str) -> Exchange:
    reader = AnswerReader("OpenAI")
    reader.headers(200, content_type, 1.0)
    reader.feed(body.encode(), 2.0)
    return reader.ended(3.0, gave_up=content_type == "text/event-stream")


@given(
    st.sampled_from(["data:", "event: x", "id:", "retry: 3", ": x", "{", "[", "<html>", "date", "x", ""]),
    st.integers(0, 8),
    st.sampled_from(["", "application/json", "text/event-stream", "text/event-stream; charset=utf-8", "text/plain"]),
)
def test_both_languages_know_a_stream_by_its_first_bytes(text: str, length: int, content_type: str) -> None:
    want = cast("str | None", lua_form(text[:length], content_type or None))

    assert is_stream(text[:length].encode(), content_type) == {"stream": True, "whole": False, None: None}[want]


@settings(max_examples=500)
@given(data, st.sampled_from(["", "", "", "event: error\n", "event: message\n", ": x\n"]))
@example('{"choices": [{"delta": null, "message": {"tool_calls": ["x"]}, "finish_reason": "stop"}]}', "")
def test_an_event_means_the_same_in_both_languages(text: str, before: str) -> None:
    event = f"{before}data: {text}\n\n"
    want = str(lua_kind(as_lua(event), decoded))

    seen = kind(read(event, "text/event-stream"))

    assert seen.replace("usage", "noise") == want.replace("usage", "noise")


counts = st.sampled_from([0, 1, 7, 1000, 12.0, -5, None, "12", True])
accounts = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": counts,
        "completion_tokens": counts,
        "prompt_cache_hit_tokens": counts,
        "prompt_tokens_details": st.fixed_dictionaries({}, optional={"cached_tokens": counts}),
    },
)
whole = st.builds(
    lambda found, more, usage: {"choices": found, **more, **({"usage": usage} if usage is not None else {})},
    st.lists(
        st.fixed_dictionaries(
            {"message": deltas | deltas | st.sampled_from([{}, None, "x"])},
            optional={
                "text": st.sampled_from(["x", "", None, 7]),
                "finish_reason": st.sampled_from(
                    ["stop", "length", "error", "insufficient_system_resource", "", None, "cancelled", "model_error"]
                ),
            },
        )
        | st.sampled_from(["x", None, {}]),
        max_size=1,  # of more, a router looks at the first
    )
    | st.sampled_from(["x", None, {}]),
    st.fixed_dictionaries(
        {}, optional={"error": st.sampled_from([None, "busy", {"message": "busy"}, {}, {"code": ""}])}
    ),
    accounts | st.none(),
)


@settings(max_examples=500)
@given(whole, st.booleans())
def test_a_whole_answer_means_the_same_in_both_languages(answer: dict[str, object], has_blanks: bool) -> None:
    body = json.dumps(answer, indent=1 if has_blanks else None)
    is_answer, is_cut, is_empty, prompt, completion, cached = cast(
        "tuple[bool, bool, bool, int, int, int]", lua_whole(as_lua(body), decoded)
    )

    seen = read(body, "application/json")

    assert (seen.refused is None) == is_answer
    if is_answer:
        assert (seen.ending is Ending.CUT) == is_cut
        is_chat = isinstance(cast("list[dict[str, object]]", answer["choices"])[0].get("message"), dict)
        assert (is_chat and not seen.has_text and seen.finish in ("stop", None)) == is_empty
        counted = seen.usage or Usage(0, 0)
        assert (counted.prompt, counted.completion, counted.cached) == (prompt, completion, cached)
