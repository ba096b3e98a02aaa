"""Laws of reading requests: the scan against a full parser, and what of a request may be changed."""

import json
from collections.abc import Iterator, Mapping
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from testing.lua_calls import as_lua, decoded, function

members = function('function(text) return require("core.json.scan").members(text) end')

names = st.text(max_size=80)
"""Of members: at most 12 bytes a character once it is escaped, and 1 KiB in all."""
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))
layouts = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])


def spans(text: str) -> Iterator[tuple[str, str]]:
    found = cast("Mapping[int, object] | tuple[None, str]", members(text))
    assert not isinstance(found, tuple), found[1]
    flat = [found[i + 1] for i in range(len(found))]
    for at in range(0, len(flat), 3):
        yield str(flat[at]), text[cast(int, flat[at + 1]) - 1 : cast(int, flat[at + 2])]


@given(st.dictionaries(names, values, max_size=6), layouts, st.booleans())
def test_the_scan_finds_what_a_parser_finds(
    value: dict[str, object], layout: tuple[str, str], ascii_only: bool
) -> None:
    text = as_lua(json.dumps(value, separators=layout, ensure_ascii=ascii_only))

    found = {json.loads(f'"{key}"'.encode("latin-1")): json.loads(span.encode("latin-1")) for key, span in spans(text)}

    assert found == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ modelstreamn1.e\n\t\0', max_size=60).map(str.encode))
def test_whatever_bytes_come_as_a_request_it_is_read_or_refused_with_a_word(text: bytes) -> None:
    sent = text.decode("latin-1")

    found = members(sent)

    if isinstance(found, tuple):
        assert found[0] is None
        assert "wanted" in str(found[1])
    else:
        for _, span in spans(sent):
            assert span
            assert span in sent


parse = function(
    """function(body, decode)
         local chat = require("core.protocol.surface").CHAT
         local parsed, err = require("core.request.body").parse(body, decode, "default", chat)
         if not parsed then return nil, err end
         return parsed:body_for('"name"'), parsed.model
       end"""
)


@given(st.text(alphabet='{}[]",:\\ modelstreamn1.e\n', max_size=50).map(lambda text: "{" + text + "}"))
def test_a_request_that_is_taken_stays_the_json_it_was_or_was_none(body: str) -> None:
    sent, _ = cast("tuple[str | None, str]", parse(body, decoded))
    if sent is None or decoded(body) is None:
        return

    assert json.loads(sent)["model"] == "name"


@given(st.text(alphabet='{}[]",:\\ 01-.eEtrufalsn\n', max_size=40))
def test_what_the_scan_refuses_no_parser_takes(text: str) -> None:
    found = members("{" + text + "}")
    if not isinstance(found, tuple):
        return
    try:
        json.loads("{" + text + "}")
    except ValueError:
        return
    raise AssertionError(f"refused: {found[1]}")


rewritten = function(
    """function(body, decode, name)
         local chat = require("core.protocol.surface").CHAT
         local parsed, err = require("core.request.body").parse(body, decode, "default", chat)
         if not parsed then error(err) end
         return parsed:body_for(require("core.json.scan").quote(name)), parsed.model
       end"""
)
plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
requests = st.fixed_dictionaries(
    {"messages": st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": plain_text}), max_size=3)},
    optional={
        "model": plain_text,
        "stream": st.booleans(),
        "stream_options": st.none() | st.dictionaries(st.sampled_from(["include_usage", "other"]), st.booleans()),
        "n": st.integers(1, 3),
        "temperature": st.floats(0, 2),
    },
)


@given(requests, layouts, plain_text, st.booleans())
def test_a_rewritten_request_differs_in_model_and_usage_only(
    request: dict[str, object], layout: tuple[str, str], name: str, ascii_only: bool
) -> None:
    body = as_lua(json.dumps(request, separators=layout, ensure_ascii=ascii_only))

    sent, model = cast(tuple[str, str], rewritten(body, decode_text, as_lua(name)))

    wanted = {**request, "model": name}
    if request.get("stream") is True:
        wanted["stream_options"] = {
            **cast(dict[str, object], request.get("stream_options") or {}),
            "include_usage": True,
        }
    assert json.loads(sent.encode("latin-1")) == wanted
    assert model.encode("latin-1").decode() == request.get("model", "default")


def decode_text(text: str) -> object:
    """A JSON text (of a string, here) as the router's decoder gives it: in bytes."""
    value = json.loads(text.encode("latin-1"))
    return as_lua(value) if isinstance(value, str) else value
