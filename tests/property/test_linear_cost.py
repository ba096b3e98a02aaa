"""What a caller or a provider sends costs by its length: hostile shapes at growing sizes, whose time must not grow much
faster than they do. Ratios of CPU time in one run, never times."""

import time
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from testing.router_lua import runtime

GROWTH = 4
"""From one size to the next."""
TOLERANCE = 2.5
"""How much faster than the size the time may grow: noise, caches, the collector. A square makes it GROWTH times."""
SMALLEST_S = 0.004
"""A shorter time is within the noise."""
SIZES = [4 << 10, 16 << 10, 64 << 10, 256 << 10]

lua = runtime()


def reader(text: str) -> Callable[[bytes], object]:
    return cast(Callable[[bytes], object], lua.eval(text.encode()))


JSON_UNITS = [
    b'"a":1,', b'"a":"\\"",', b'"a":"\\\\",', b'\\"', b"\\\\", b"\\u0041", b'"', b'"",', b"[", b"{", b"]",
    b'{"a":', b"[],",
    b" ", b"\t\r\n", b"1", b"-", b"1e", b"t", b"true,", b",", b":", b'"role":"user",', b'{"role":"system"},', b"\xff",
]  # fmt: skip
JSON_FRAMES = [
    (b"", b""), (b"{", b"}"), (b'{"a":"', b'"}'), (b'{"a":"\\"', b'"}'), (b'{"', b'":1}'), (b'{"a":[', b"]}"),
    (b'{"a":', b"}"),
    (b'{"model":"', b'"}'), (b'{"model":"m"', b"}"), (b'{"n":', b"}"), (b'{"stream_options":{', b'},"stream":true}'),
    (b'{"messages":[', b"]}"), (b'{"messages":[{"role":"user","content":"', b'"}]}'),
    (b'{"choices":[', b"]}"), (b'{"choices":[{"message":{"content":"', b'"},"finish_reason":"stop"}]}'),
    (b'{"error":"', b'"}'), (b'{"error":{"message":"', b'"}}'),
]  # fmt: skip
DELTA = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
LINE_UNITS = [
    b"\r\n", b"\n", b"\r", b":a\r\n", b":\n", b"data:", b"data: {}\r\n\r\n", b"data: {}\n\n", b"data: x\r\n",
    b"data: x\n",
    b"event: x\r", b"a\r\n", b" ", b"x", b"\n\r", b"data: [\r\n", b'data: {"choices":[]}\n\n', DELTA,
    b":a\r\n\r\n", b"data\n",
]  # fmt: skip
HEAD_UNITS = [
    b"\r\n ", b"\r\n\t", b" \r\n ", b" ", b"\t", b"\n", b"\r", b"x", b"X: y\r\n", b"\ncontent-type:",
    b"Retry-After: 1\r\n",
    b"1s", b"1", b".", b",", b"1.", b"HTTP/1.1 100 C\r\n\r\n",
]  # fmt: skip
HEAD_NAMES = [b"Content-Type", b"Retry-After", b"X-RateLimit-Reset-Requests", b"Content-Length", b"Connection", b"X"]
CHUNK_UNITS = [b"1\r\na\r\n", b"1;x=y\r\na\r\n", b"00", b"1;", b"\r\n", b"X: y\r\n", b"a", b"0\r\n", b"2\r\n\r\n\r\n"]
WORD_UNITS = [
    b"1s", b"1", b"1.", b" ", b"try again in ", b"try again in 1s", b"t", b"concurrency limit of 1",
    b'"retry_after":', b'"',
    b"1 ", b"1s1", b'{"', b"retry in 1 second ", b"\\",
]  # fmt: skip

BODY = reader(
    """function(text)
         local surface = require("core.protocol.surface").CHAT
         local parsed = require("core.request.body").parse(text, function(raw) return raw end, "m", surface)
         if parsed then
           require("core.balancing.conversation").start(text, parsed.members)
           require("core.json.peek").says_true(text, "a")
           require("core.request.cache_key").say("chat", "", "", "", parsed, {
             add = function(_, body, from, to) return body:sub(from, to) end,
             add_lengths = function() end,
           }, nil, function() end)
           return #parsed:body_for('"name"')
         end
       end"""
)
ITEMS = reader('function(text) return require("core.json.scan").items("[" .. text .. "]") end')
REFUSAL = reader(
    """function(text)
         local headers = {}
         for _, provider in ipairs({ "OpenAI", "DeepSeek", "OpenRouter" }) do
           require("core.error.classify").refusal(429, function() end, text, provider, 0)
         end
         require("core.error.classify").refusal(429, function() return text end, "", "OpenAI", 0)
       end"""
)
HEAD = reader(
    """function(text)
         local response_head = require "core.http.response_head"
         local conn = { head = "", mode = "none", left = 0 }
         local start = response_head.start(text)
         text = text:sub(start)
         local _, stop = text:find("\\r\\n\\r\\n", 1, true)
         if stop and (response_head.take(conn, text, stop) or 0) > 0 then
           for _, name in ipairs({ "content-type", "retry-after", "x-ratelimit-reset-requests", "x" }) do
             response_head.value(conn, name)
           end
         end
       end"""
)
FRAMING = reader(
    """function(text)
         local framing = require "core.http.framing"
         local conn = { buffer = "", mode = "chunked", left = 0, in_trailer = false, ended = false, keep = true }
         for from = 1, #text, 65536 do
           conn.buffer = conn.buffer .. text:sub(from, from + 65535)
           repeat
             local payload = framing.take(conn)
             if not payload then return end
           until payload == ""
         end
       end"""
)

STREAM = reader(
    """function(text)
         local decode = function(data)
           local delta = { content = "x" }
           return data:sub(1, 1) == "{" and { choices = { { index = 0, delta = delta } } } or nil
         end
         local protocol = require("core.protocol.surface").CHAT.protocol
         local events = require("core.answer.stream").new(protocol.new_reader(decode, 1), true)
         for from = 1, #text, 4096 do
           local _, _, kind = events:feed(text:sub(from, from + 4095), false)
           if kind then return end
         end
         events:feed("", true)
       end"""
)
WHOLE = reader(
    """function(text)
         local decode = function(scalar) return scalar:sub(1, 1) == '"' and scalar or 1 end
         local longest, before = 0, os.clock()
         local pause = function()
           local now = os.clock()
           longest, before = math.max(longest, now - before), now
         end
         local sketch, surface = require "core.json.sketch", require "core.protocol.surface"
         for _, path in ipairs({ "/v1/chat/completions", "/v1/embeddings", "/v1/messages", "/v1/responses" }) do
           local one = surface.POST[path]
           local decoder = sketch.decoder_of(text, decode, pause)
           one.protocol.read_whole(text, decoder, one.member)
           require("core.answer.empty").is_whole(text, decoder)
           pause()
         end
         return longest
       end"""
)
SKETCH = reader(
    """function(text)
         local decode = function(scalar) return scalar:sub(1, 1) == '"' and scalar or 1 end
         require("core.json.sketch").of(text, decode, function() end)
       end"""
)
ASSEMBLY = reader(
    """function(text)
         local decode = function() return {} end
         for _, path in ipairs({ "/v1/chat/completions", "/v1/messages", "/v1/responses" }) do
           local surface = require("core.protocol.surface").POST[path]
           local assembly = surface.protocol.new_assembly(decode, { surface = surface.name, provider = "OpenAI" })
           assembly:add(text)
           assembly:whole()
         end
       end"""
)


def took_s(read: Callable[[bytes], object], text: bytes) -> float:
    def once() -> float:
        began = time.process_time()
        read(text)
        return time.process_time() - began

    return min(once() for _ in range(2))


def assert_linear(read: Callable[[bytes], object], shape: Callable[[int], bytes]) -> None:
    """From the first size whose time can be measured: the next must not take much more than its share."""
    before_s = 0.0
    for size in SIZES:
        now_s = took_s(read, shape(size))
        if before_s >= SMALLEST_S / GROWTH:
            limit_s = GROWTH * TOLERANCE * before_s
            tries = 4
            while now_s > limit_s and tries:
                now_s, tries = min(now_s, took_s(read, shape(size))), tries - 1
            assert now_s <= limit_s, f"{size} bytes take {now_s:.4f} s, {size // GROWTH} took {before_s:.4f} s"
        before_s = now_s


def repeated(frame: tuple[bytes, bytes], unit: bytes) -> Callable[[int], bytes]:
    return lambda size: frame[0] + unit * (size // len(unit)) + frame[1]


def units(of: list[bytes]) -> st.SearchStrategy[bytes]:
    """One, or a few in a row."""
    return st.lists(st.sampled_from(of), min_size=1, max_size=3).map(b"".join)


hostile = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
"""What fails takes long, and would take longer to be made small."""


@pytest.mark.parametrize("read", [BODY, ITEMS, REFUSAL], ids=["request", "list", "refusal"])
@hostile
@given(st.sampled_from(JSON_FRAMES), units(JSON_UNITS))
def test_json(read: Callable[[bytes], object], frame: tuple[bytes, bytes], unit: bytes) -> None:
    assert_linear(read, repeated(frame, unit))


WHOLE_SIZES = (1 << 20, 4 << 20)


@hostile
@given(st.sampled_from(JSON_FRAMES), units(JSON_UNITS))
@example((b'{"choices":[{"message":{"content":"', b'"},"finish_reason":"stop"}]}'), b"x")
@example((b'{"choices":[', b"1]}"), b"1,")
@example((b'{"choices":[', b"]}"), rb"\u0041")
@example((b'{"data":[{"embedding":[', b"1]}]}"), b"0.25,")
def test_a_whole_answer_in_steps(frame: tuple[bytes, bytes], unit: bytes) -> None:
    """A long one is read in slices: four times the size makes no step longer."""
    assert_linear(SKETCH, repeated(frame, unit))
    small, large = (min(cast(float, WHOLE(repeated(frame, unit)(size))) for _ in range(2)) for size in WHOLE_SIZES)
    if small >= SMALLEST_S:
        assert large <= TOLERANCE * small, f"a step of {large:.4f} s at 4 MiB, of {small:.4f} s at 1 MiB"
    else:
        assert large < GROWTH * TOLERANCE * SMALLEST_S, f"a step of {large:.4f} s"


EVENT_FRAMES = [
    (b'{"choices":[{"index":0,"delta":{"content":"', b'"}}]}'),
    (b'{"choices":[{"index":0,"delta":{"content":', b"}}]}"),
    (b'{"choices":[{"index":0,"delta":{"tool_calls":[', b"]}}]}"),
    (b'{"choices":[', b"]}"),
    (b'{"x":', b',"choices":[]}'),
    (b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"', b'"}}'),
    (b'{"type":"response.completed","response":{"output":[', b"]}}"),
]


@hostile
@given(st.sampled_from(EVENT_FRAMES), units(JSON_UNITS), st.booleans())
def test_a_stream_that_is_put_together(frame: tuple[bytes, bytes], unit: bytes, is_one: bool) -> None:
    """In one long event, or in many that are alike."""
    event = b"data: " + frame[0] + unit + frame[1] + b"\n\n"
    if is_one:
        assert_linear(ASSEMBLY, repeated((b"data: " + frame[0], frame[1] + b"\n\n"), unit))
    else:
        assert_linear(ASSEMBLY, repeated((b"", b""), event))


@hostile
@given(st.sampled_from(HEAD_NAMES), units(HEAD_UNITS))
def test_a_head(name: bytes, unit: bytes) -> None:
    assert_linear(HEAD, repeated((b"HTTP/1.1 429 No\r\n" + name + b": ", b"\r\n\r\n"), unit))
    assert_linear(HEAD, repeated((b"", b"HTTP/1.1 200 OK\r\n\r\n"), unit))


@hostile
@given(st.sampled_from([b"", b"1\r\na\r\n", b"0\r\n", b"1;"]), units(CHUNK_UNITS))
def test_chunks(start: bytes, unit: bytes) -> None:
    assert_linear(FRAMING, repeated((start, b""), unit))


@hostile
@given(st.sampled_from([b"", b"data: ", b"data: {", b":", b"\r\n", b"data: {}\n\n"]), units(LINE_UNITS))
def test_a_stream(start: bytes, unit: bytes) -> None:
    assert_linear(STREAM, repeated((start, b""), unit))


@hostile
@given(st.sampled_from([b"", b'{"error":{"message":"', b"try again in ", b'{"retry_after":"']), units(WORD_UNITS))
@example(b"", b" ")
def test_the_words_of_a_refusal(start: bytes, unit: bytes) -> None:
    assert_linear(REFUSAL, repeated((start, b""), unit))
