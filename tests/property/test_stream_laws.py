"""Laws of streams: the same bytes in any pieces mean the same, and what goes out is whole events of JSON."""

import json
from itertools import pairwise
from typing import cast

from hypothesis import example, given
from hypothesis import strategies as st

from testing.lua_calls import as_lua, decoded, function, lua

feed = function(
    """function(pieces, decode, protocol, wants_usage)
         local reader = require("core.protocol." .. (protocol or "openai")).new_reader(decode, 1)
         local events = require("core.answer.stream").new(reader, wants_usage ~= false)
         local out, progress = {}, false
         for i = 1, #pieces do
           local text, moved, kind = events:feed(pieces[i], false)
           out[#out + 1], progress = text, progress or moved
           if kind then return table.concat(out), kind, progress end
         end
         local text, moved, kind = events:feed("", true)
         out[#out + 1], progress = text, progress or moved
         return table.concat(out), kind or "", progress
       end"""
)

line_ends = st.sampled_from(["\n", "\r\n", "\r"])
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def wire(draw: st.DrawFn) -> tuple[str, bool, bool]:
    """A stream as some server may write it, whether it has content, and whether it says [DONE]."""
    end, pieces, content = draw(line_ends), [], False
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["text", "comment", "role", "blank"]))
        if kind == "text":
            word = draw(words)
            content = content or word != ""
            delta = {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}
            pieces.append(
                "data:" + draw(st.sampled_from(["", " "])) + json.dumps(delta, ensure_ascii=draw(st.booleans()))
            )
        elif kind == "role":
            pieces.append('data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}')
        else:
            pieces.append(": keep-alive" if kind == "comment" else "")
    done = draw(st.booleans())
    pieces += ["data: [DONE]"] * done
    return "".join(piece + end + end for piece in pieces), content, done


@given(wire(), st.data())
def test_a_stream_comes_out_whole_however_it_is_torn(stream: tuple[str, bool, bool], data: st.DataObject) -> None:
    text, content, done = stream
    sent = as_lua(text)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=10)))
    edges = [0, *cuts, len(sent)]
    pieces = [sent[a:b] for a, b in pairwise(edges)]

    out, kind, progress = cast(tuple[str, str, bool], feed(lua.table_from(pieces), decoded))

    assert out == sent
    assert kind == ("done" if done else "")
    assert progress is content


PROTOCOLS = ("openai", "anthropic", "responses")
FRAGMENTS = (
    "\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "data:", "data: ", ":", ": ping", "event: error", "event: message_stop",
    "id: 1", "retry: 1", "[DONE]", "{}", "{", "null", "[]", '"', "\\", "\xef\xbb\xbf", "\xff", "\0", "data",
    "data: [DONE]\n\n",
    '{"choices":[]}', '{"error":{"message":"x"}}', '{"message":"x"}', '{"choices":null}', '{"choices":[1]}',
    '{"usage":{}}',
    '{"choices":[{"delta":{"content":"a"}}]}', '{"choices":[{"delta":{"content":"b\\n"}}]}',
    '{"choices":[{"text":"t"}]}',
    '{"choices":[{"delta":{},"finish_reason":"stop"}]}', '{"choices":[{"delta":{},"finish_reason":"error"}]}',
    '{"type":"message_start","message":{}}', '{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', '{"type":"message_stop"}', '{"type":7}',
    '{"type":"response.output_text.delta","delta":"a"}', '{"type":"response.completed","response":{}}',
)  # fmt: skip
garbage = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join) | st.binary(max_size=80).map(
    lambda text: text.decode("latin-1")
)


@given(garbage, st.lists(st.integers(0, 400), max_size=12), st.sampled_from(PROTOCOLS), st.booleans())
@example("data: {}\r", [8], "openai", True)
def test_whatever_bytes_come_any_pieces_of_them_mean_the_same(
    sent: str, cut_at: list[int], protocol: str, wants_usage: bool
) -> None:
    edges = [0, *sorted({min(cut, len(sent)) for cut in cut_at}), len(sent)]
    pieces = [sent[a:b] for a, b in pairwise(edges)]

    whole = feed(lua.table_from([sent]), decoded, protocol, wants_usage)
    torn = feed(lua.table_from(pieces), decoded, protocol, wants_usage)

    assert torn == whole


@given(garbage, st.integers(1, 7), st.sampled_from(PROTOCOLS))
@example("[DONE]\n\n", 1, "openai")
def test_what_goes_out_is_whole_events_and_their_data_is_json(sent: str, size: int, protocol: str) -> None:
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]

    out, _, _ = cast(tuple[str, str, bool], feed(lua.table_from(pieces), decoded, protocol))

    assert out == "" or out.endswith(("\n", "\r"))
    for event in out.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
        lines += [""] * (event.split("\n").count("data"))
        data = "\n".join(lines)
        assert all(line in sent for line in lines)
        assert data in ("", "[DONE]") or decoded(data) is not None
