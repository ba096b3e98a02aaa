"""Laws of the router's pure Lua, whatever comes: driven from here inside LuaJIT, against plain Python references."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Protocol, cast

from hypothesis import given
from hypothesis import strategies as st
from lupa.luajit21 import LuaRuntime

from routerlua import LUA


class Record(Protocol):
    def __getitem__(self, name: str) -> object: ...


lua = LuaRuntime(unpack_returned_tuples=True, encoding="latin-1")
lua.execute(f'package.path = "{LUA}/?.lua;" .. package.path')


def function(text: str) -> Callable[..., object]:
    return cast(Callable[..., object], lua.eval(text))


def table(value: object) -> object:
    """Plain data as Lua tables; a null is a member that is not there."""
    if isinstance(value, Mapping):
        return lua.table_from({key: table(item) for key, item in value.items() if item is not None})
    if isinstance(value, list | tuple):
        return lua.table_from([table(item) for item in value])
    return as_lua(value) if isinstance(value, str) else value


def as_lua(text: str) -> str:
    """Text as the bytes that go over the wire, one character a byte."""
    return text.encode(errors="surrogatepass").decode("latin-1")


def decoded(text: str) -> object:
    """JSON as the router's decoder gives it: None for what is none."""
    try:
        return table(json.loads(text.encode("latin-1")))
    except ValueError:
        return None


# --- weight and pick

weigh = function('function(c, slow, now) return require("pool.weight").dynamic(c, slow, now) end')
choose = function(
    """function(candidates, context, values)
         local at = 0
         context.random = function() at = at % #values + 1; return values[at] end
         return require("pool.pick").choose(candidates, context)
       end"""
)

candidates = st.fixed_dictionaries(
    {
        "weight": st.integers(1, 1000),
        "in_flight": st.integers(0, 20),
        "max_connections": st.integers(1, 20),
        "base_latency_ms": st.integers(0, 60_000),
        "latency_ms": st.none() | st.floats(0, 1e7),
        "recovered_at_ms": st.integers(0, 200_000),
        "ramp_since_ms": st.integers(0, 200_000),
        "tier": st.integers(0, 9),
        "is_trial": st.booleans(),
    }
)


@given(candidates, st.integers(0, 60_000), st.integers(0, 300_000))
def test_a_weight_stays_between_nothing_and_twice_the_declared_one(
    candidate: dict[str, object], slow_start_ms: int, now_ms: int
) -> None:
    weight = weigh(table(candidate), slow_start_ms, now_ms)

    assert isinstance(weight, int | float)
    assert 0 <= weight <= 2 * cast(int, candidate["weight"])


@given(
    st.lists(candidates, min_size=1, max_size=6),
    st.sampled_from(["Dynamic", "PowerOfTwo", "RoundRobin"]),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4),
    st.none() | st.integers(0, 9),
    st.integers(0, 1_000),
)
def test_a_choice_is_one_of_the_candidates_and_of_the_first_tier_that_is_ready(
    given_candidates: list[dict[str, object]], algorithm: str, random: list[float], held: int | None, turn: int
) -> None:
    context = {
        "algorithm": algorithm, "now_ms": 300_000, "turn": turn, "slow_start_ms": 30_000, "stabilization_ms": 0,
        "held_tier": held,
    }  # fmt: skip
    all_of_them = [table({**candidate, "number": number}) for number, candidate in enumerate(given_candidates)]

    chosen = choose(lua.table_from(all_of_them), table(context), table(random))

    tiers = {cast(int, candidate["tier"]) for candidate in given_candidates}
    preferred = {tier for tier in tiers if held is None or tier >= held} or tiers
    assert cast(Record, chosen)["tier"] == min(preferred)


# --- breaker

STATES = {"Closed", "Open", "HalfOpen"}
POLICY = {
    "consecutive_failures": 3, "minimum_requests": 5, "error_rate_percent": 50, "sliding_window_ms": 10_000,
    "recovery_timeout_ms": 1_000, "max_recovery_timeout_ms": 4_000, "half_open_max_requests": 2,
}  # fmt: skip
new_breaker = function('function() return require("pool.breaker").new() end')
step = function('function(record, event, context) return require("pool.breaker").step(record, event, context) end')
count_of = function("function(list) return #list end")

events = st.tuples(
    st.sampled_from(["admit", "first_content", "complete", "failure", "release"]),
    st.integers(0, 3_000),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 4),
    st.tuples(st.integers(0, 10), st.integers(1, 10)),
)


@given(st.lists(events, max_size=60))
def test_a_breaker_never_leaves_its_table_and_never_lends_more_than_it_may(
    story: list[tuple[str, int, float, int, tuple[int, int]]],
) -> None:
    record, now_ms = new_breaker(), 0
    for event, later_ms, random, lease, (ok, failed) in story:
        now_ms += later_ms
        before = record
        context = {
            "now_ms": now_ms, "started_ms": now_ms, "random": random, "policy": POLICY, "lease_ms": 500, "holder": 0,
            "lease": lease or None,
            "reason": "Busy", "window": {"ok": ok, "failed": failed},
        }  # fmt: skip
        record, effects = cast(tuple[Record, Record], step(record, event, table(context)))
        was, state = cast(Record, before)["state"], record["state"]

        assert state in STATES
        assert (was, state) not in {("Closed", "HalfOpen"), ("Open", "Closed")}
        assert (effects["transition"] is not None) == (was != state)
        assert cast(int, count_of(record["leases"])) + cast(int, record["passed"]) <= 2
        if event == "admit" and state == "Open":
            assert effects["admitted"] is False
        if state == "Open" and was != "Open":
            assert 900 <= cast(float, record["retry_at_ms"]) - now_ms <= 4_000


# --- JSON

members = function('function(text) return require("pool.jsonscan").members(text) end')

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
layouts = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])


def spans(text: str) -> Iterator[tuple[str, str]]:
    found = cast("Mapping[int, object] | tuple[None, str]", members(text))
    assert not isinstance(found, tuple), found[1]
    flat = [found[i + 1] for i in range(len(found))]
    for at in range(0, len(flat), 3):
        yield str(flat[at]), text[cast(int, flat[at + 1]) - 1 : cast(int, flat[at + 2])]


@given(st.dictionaries(st.text(), values, max_size=6), layouts, st.booleans())
def test_the_scan_finds_what_a_parser_finds(
    value: dict[str, object], layout: tuple[str, str], ascii_only: bool
) -> None:
    text = as_lua(json.dumps(value, separators=layout, ensure_ascii=ascii_only))

    found = {json.loads(f'"{key}"'.encode("latin-1")): json.loads(span.encode("latin-1")) for key, span in spans(text)}

    assert found == value


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
         local parsed, err = require("pool.request").parse(body, decode, "default", require("pool.surface").CHAT)
         if not parsed then error(err) end
         return parsed:body_for(require("pool.jsonscan").quote(name)), parsed.model
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


# --- streams

feed = function(
    """function(pieces, decode)
         local events = require("pool.stream").new(require("pool.chunk").new(decode, 1), true)
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


@given(st.binary(max_size=200), st.integers(1, 7))
def test_whatever_bytes_come_no_part_of_an_event_goes_out(garbage: bytes, size: int) -> None:
    sent = garbage.decode("latin-1")
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]

    whole, _, _ = cast(tuple[str, str, bool], feed(lua.table_from([sent]), decoded))
    torn, _, _ = cast(tuple[str, str, bool], feed(lua.table_from(pieces), decoded))

    assert torn == whole
    assert whole == "" or sent.removeprefix("\xef\xbb\xbf").startswith(whole)
