"""Requests are read the same however their bytes arrive."""

import pytest

from testing.fakes.deepseek import http1

POST = b"POST /v1/x?a=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
GET = b"GET /g HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"


def read_all(reader: http1.RequestReader) -> list[tuple[str, str, bytes]]:
    found = []
    while (request := reader.head()) is not None:
        assert reader.body_done(request)
        found.append((request.method, request.path, request.body))
    return found


def test_pipelined_requests() -> None:
    reader = http1.RequestReader()
    reader.feed(POST + CHUNKED + b"\r\n" + GET)
    assert read_all(reader) == [("POST", "/v1/x", b"hello"), ("POST", "/c", b"abcde"), ("GET", "/g", b"")]


@pytest.mark.parametrize("data", [POST, CHUNKED, GET], ids=["length", "chunked", "no body"])
def test_byte_by_byte(data: bytes) -> None:
    whole, single = http1.RequestReader(), http1.RequestReader()
    whole.feed(data)
    want = read_all(whole)
    request = None
    for byte in data:
        single.feed(bytes((byte,)))
        request = request or single.head()
        done = request is not None and single.body_done(request)
    assert request is not None
    assert done
    assert [(request.method, request.path, request.body)] == want


@pytest.mark.parametrize(
    ("head", "want"),
    [
        (b"GET /\r\n\r\n", "request line"),
        (b"GET / HTTP/2\r\n\r\n", "request line"),
        (b"GET / HTTP/1.1\r\nbroken\r\n\r\n", "has no colon"),
        (b"x" * (http1.MAX_HEAD_BYTES + 1), "request head over"),
        (b"POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n", "content-length"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "chunk size"),
    ],
)
def test_what_is_not_http_is_an_error(head: bytes, want: str) -> None:
    reader = http1.RequestReader()
    reader.feed(head)
    with pytest.raises(http1.ProtocolError, match=want):
        read_all(reader)


@pytest.mark.parametrize(
    ("version", "connection", "want"),
    [
        ("HTTP/1.1", None, True),
        ("HTTP/1.1", "close", False),
        ("HTTP/1.0", None, False),
        ("HTTP/1.0", "keep-alive", True),
    ],
)
def test_keep_alive(version: str, connection: str | None, want: bool) -> None:
    headers = {} if connection is None else {"connection": connection}
    assert http1.Request("GET", "/", version, headers).keep_alive is want
