"""The prober's Python and the router's Lua make the same of whatever answer comes."""

import json
from collections.abc import Callable
from typing import Protocol, cast, get_args

from hypothesis import example, given
from hypothesis import strategies as st

from poolkeeper.api.endpoint import Provider
from poolkeeper.providers.classify import refusal
from poolkeeper.providers.error_body import words_of
from poolkeeper.providers.error_rules import COMMON, PROVIDERS, WORD_STATUS
from testing.router_lua import runtime


class Table(Protocol):
    def __getitem__(self, name: str) -> object: ...


lua = runtime()
lua_refusal = cast(
    Callable[[int, bytes, bytes], Table],
    lua.eval(
        """function(status, body, provider)
             local seen = require("core.error.classify").refusal(status, function() end, body, provider, 0)
             return { seen.class, seen.reason, seen.status, seen.limit or 0 }
           end"""
    ),
)
lua_words = cast(
    Callable[[bytes], tuple[bytes, bytes, bytes, bytes]],
    lua.eval(
        """function(text)
             local said = require("core.error.body").of(text)
             return said.code, said.type, said.message, said.own
           end"""
    ),
)

providers = st.sampled_from(get_args(Provider))
statuses = st.sampled_from(
    [200, 302, 400, 401, 402, 403, 404, 412, 413, 422, 429, 500, 502, 503, 504, 529]
) | st.integers(100, 599)
RULES = [*COMMON, *(rule for rules in PROVIDERS.values() for rule in rules)]
PHRASES = sorted(
    {
        " ".join(words) if isinstance(words, tuple) else words
        for rule in RULES
        for words in (rule.code, rule.type, rule.starts, rule.says, rule.has)
        if words
    }
    | set(WORD_STATUS)
)
phrases = st.sampled_from(PHRASES) | st.sampled_from(PHRASES).map(str.upper) | st.text(max_size=8)
said = phrases | st.tuples(phrases, phrases).map(" ".join) | st.sampled_from(["concurrency limit of 7", "null", "429"])
values: st.SearchStrategy[object] = said | st.none() | st.booleans() | st.integers(0, 100_000) | st.just(503)
NAMES = [
    "error", "metadata", "error_type", "code", "type", "message", "detail", "object", "x", "base_resp", "status_msg",
    "error_message", "error_msg", "msg", "error_code", "errors", "fault", "faultstring", "title",
]  # fmt: skip
bodies = st.recursive(
    values,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """JSON in some layout, perhaps cut, perhaps with a byte gone wrong; plain text; anything at all."""
    kind = draw(st.sampled_from(["json", "cut", "torn", "text", "bytes"]))
    if kind == "bytes":
        return draw(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ \n\tcode"error.', max_size=60).map(str.encode))
    if kind == "text":
        return draw(said).encode(errors="replace")
    indent, ascii_only = draw(st.sampled_from([None, 1])), draw(st.booleans())
    text = json.dumps(draw(bodies), indent=indent, ensure_ascii=ascii_only).encode(errors="replace")
    at = draw(st.integers(0, len(text)))
    if kind == "cut":
        return text[:at]
    return text[:at] + draw(st.binary(max_size=1)) + text[at + 1 :] if kind == "torn" else text


@given(statuses, texts(), providers)
@example(200, b'{"error":{"code":"429","message":"concurrency limit of 12345678"}}', "OpenRouter")
def test_both_languages_give_the_same_meaning(status: int, body: bytes, provider: Provider) -> None:
    got = refusal(status, body, provider)

    seen = lua_refusal(status, body, provider.encode())

    assert (got.outcome.encode(), got.reason.encode(), got.status, got.limit or 0) == tuple(
        seen[cast(str, number)] for number in (1, 2, 3, 4)
    )


@given(texts())
def test_both_languages_read_the_same_words(body: bytes) -> None:
    words = words_of(body.lower())

    assert (words.code, words.type, words.message, words.own) == lua_words(body.lower())


@given(st.lists(st.sampled_from(PHRASES), max_size=4), st.sampled_from([400, 422]), providers)
def test_what_a_refusal_quotes_takes_nothing_out_of_service(quoted: list[str], status: int, provider: Provider) -> None:
    """Quoted as text, and sent back as the JSON it came in."""
    prompt = " ".join(quoted)
    echo = {"code": prompt, "error": {"code": quoted[0] if quoted else "", "message": prompt}}
    body = {"error": {"message": f"cannot take {prompt!r}", "type": "invalid", "input": echo}, "input": echo}

    got = refusal(status, json.dumps(body).encode(), provider)

    assert got.outcome in ("ClientFault", "ContextTooLong", "Incompatible")
