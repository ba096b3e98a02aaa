"""Laws of the HTTP that providers speak: the same bytes in any split mean the same, and a connection that is kept has
nothing on it that belongs to nobody."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from testing.router_lua import runtime

lua = runtime()
answer = cast(
    Callable[[object, object], tuple[int, bytes, bytes, bool, bool, int]],
    lua.eval(
        """function(pieces, joint)
             -- what nginx/upstream/http_client.lua does, without its socket: gives status (0: none), payload, error,
             -- ended, kept, and the most bytes that were waiting
             local head, framing = require "core.http.response_head", require "core.http.framing"
             local conn = { buffer = "", head = "", mode = "none", left = 0, in_trailer = false,
                            ended = false, keep = false, joint = joint or nil }
             local status, payload, most = 0, {}, 0
             for i = 1, #pieces do
               conn.buffer = conn.buffer .. pieces[i]
               while status == 0 do
                 local _, stop = conn.buffer:find("\\r\\n\\r\\n", 1, true)
                 if not stop then break end
                 local err
                 status, err = head.take(conn, conn.buffer, stop)
                 if not status then return 0, "", err, false, false, most end
               end
               if status > 0 then
                 repeat
                   local part, err = framing.take(conn)
                   if not part then return status, table.concat(payload), err, false, false, most end
                   payload[#payload + 1] = part
                 until part == ""
                 most = math.max(most, #conn.buffer)
               end
             end
             return status, table.concat(payload), "", conn.ended, conn.ended and conn.keep and conn.buffer == "", most
           end"""
    ),
)


joint = cast(Any, lua.eval('require "nginx.shared.joint"'))
"""The router's own; without one, core/http/framing.lua makes strings of all pieces."""


def heard(text: bytes, cuts: list[int], joint: object = None) -> tuple[int, bytes, bytes, bool, bool]:
    edges = [0, *sorted({min(cut, len(text)) for cut in cuts}), len(text)]
    return answer(lua.table_from([text[a:b] for a, b in pairwise(edges)]), joint)[:5]


cuts = st.lists(st.integers(0, 400), max_size=12)
names = st.sampled_from(
    [b"Content-Length", b"content-length", b"Transfer-Encoding", b"Connection", b"X", b"Content-Length ", b""]
)
lengths = st.sampled_from([b"0", b"3", b"5", b"12", b"-1", b"+3", b"0x3", b"3, 3", b"99999999999999999999", b" 5\t"])
header_values = lengths | st.sampled_from(
    [b"chunked", b"Chunked", b"gzip, chunked", b"close", b"Keep-Alive, Close", b""]
)
line_ends = st.sampled_from([b"\r\n"] * 9 + [b"\n", b"\r", b"\r\n ", b"\r\n\t"])
first_lines = st.sampled_from(
    [b"HTTP/1.1 200 OK"] * 6
    + [b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No", b"HTTP/1.1 100 C", b"HTTP/1.1 503", b"HTTP/2 200", b"HTTP/1.1 20", b"{}"]
)
sizes = st.sampled_from(
    [b"0", b"1", b"3", b"a", b"A;x=1", b"-3", b"0x3", b" 3", b"3 ", b"zz", b"ffffffffffffffff", b""]
)


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    lines = [draw(first_lines)]
    lines += [b"%b: %b" % (draw(names), draw(header_values)) for _ in range(draw(st.integers(0, 4)))]
    return b"".join(line + draw(line_ends) for line in lines) + b"\r\n"


@st.composite
def wires(draw: st.DrawFn) -> bytes:
    """Heads and bodies as a provider might write them that is old, careless, or hostile."""
    parts = []
    for _ in range(draw(st.integers(1, 2))):
        parts.append(draw(heads()))
        for _ in range(draw(st.integers(0, 4))):
            data = draw(st.binary(max_size=12))
            size = draw(sizes | st.just(b"%x" % len(data)))
            parts.append(draw(st.sampled_from([size + b"\r\n" + data + b"\r\n"] * 4 + [data, size + b"\r\n"])))
        parts.append(draw(st.sampled_from([b"", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"\r\n"])))
    return b"".join(parts)


@given(wires(), cuts)
def test_however_an_answer_is_torn_it_means_the_same(text: bytes, cut_at: list[int]) -> None:
    whole, torn = heard(text, []), heard(text, cut_at)

    assert torn[:2] == whole[:2]
    assert (torn[2] != b"") == (whole[2] != b"")
    assert torn[3] == whole[3]


@given(st.binary(max_size=300), cuts)
def test_whatever_comes_nothing_is_raised(text: bytes, cut_at: list[int]) -> None:
    heard(text, cut_at)
    heard(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + text, cut_at)


bodies = st.binary(max_size=40)


@st.composite
def framed(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """An answer as it should be, and its body."""
    body = draw(bodies)
    if draw(st.booleans()):
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body), body
    at = sorted(draw(st.lists(st.integers(0, len(body)), max_size=4)))
    pieces = [body[a:b] for a, b in pairwise([0, *at, len(body)]) if a != b]
    chunks = b"".join(
        b"%x%b\r\n%b\r\n" % (len(piece), draw(st.sampled_from([b"", b";a=b"])), piece) for piece in pieces
    )
    trailer = draw(st.sampled_from([b"", b"X-Trailer: 1\r\n"]))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n%b\r\n" % (chunks, trailer), body


@given(wires() | st.builds(lambda pair: pair[0], framed()), cuts)
def test_however_pieces_are_joined_it_means_the_same(text: bytes, cut_at: list[int]) -> None:
    assert heard(text, cut_at, joint) == heard(text, cut_at)
    assert joint[b"size"] == 0


@given(st.lists(st.binary(max_size=9), max_size=9), st.integers(0, 1))
def test_a_joint_grows_with_what_is_added(pieces: list[bytes], long: int) -> None:
    pieces = [piece * (30000 if long else 1) for piece in pieces]
    for piece in pieces:
        joint[b"add"](joint, b"<" + piece + b">", 2, len(piece) + 1)

    assert joint[b"take"](joint) == b"".join(pieces)


@given(framed(), cuts)
def test_an_answer_in_order_comes_out_whole_and_its_connection_is_kept(
    pair: tuple[bytes, bytes], at: list[int]
) -> None:
    text, body = pair

    assert heard(text, at) == (200, body, b"", True, True)


@given(framed(), st.binary(min_size=1, max_size=40) | wires(), cuts)
def test_a_connection_with_anything_behind_the_answer_is_never_kept(
    pair: tuple[bytes, bytes], more: bytes, at: list[int]
) -> None:
    """Else those bytes were read as the answer to the next caller's request."""
    text, body = pair

    assert heard(text + more, at) == (200, body, b"", True, False)


@given(framed(), st.integers(1, 60))
def test_a_connection_is_never_kept_before_the_end_has_come(pair: tuple[bytes, bytes], missing: int) -> None:
    text, body = pair
    status, payload, _, ended, kept = heard(text[:-missing], [])

    assert not kept
    assert not ended
    assert body.startswith(payload)
    assert status in (0, 200)


@given(
    st.sampled_from([b"a;" + b"x" * 100_000, b"0\r\n" + b"X: " + b"y" * 100_000, b"1" * 100_000]), st.integers(1, 2_000)
)
def test_a_line_without_an_end_is_not_waited_for(line: bytes, size: int) -> None:
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + line
    status, _, err, _, _, most = answer(
        lua.table_from([text[at : at + size] for at in range(0, len(text), size)]), None
    )

    assert status == 200
    assert err.startswith(b"reading the body")
    assert most < 8_192
