"""Requests that two readers could read differently: nobody gets a second request past us inside a first one.

Over raw sockets, so that what is measured is the nginx that runs. What a provider was sent is read by the strictest
rules (fakes/rawprovider.py): every request whole, with one content-length, ours.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from router.harness import MODEL, Router, endpoint
from testing.fakes import rawhttp
from testing.fakes.rawprovider import RawProvider

BODY = b'{"model":"%b","messages":[]}' % MODEL.encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
ANOTHER = b"GET /v1/models HTTP/1.1\r\nHost: smuggled\r\n\r\n"
PATIENCE_S = 1.0
"""How long to listen for a second answer that should not come."""


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Router, RawProvider]]:
    """One router for the whole table: what one case leaves behind would meet the next."""
    folder: Path = tmp_path_factory.mktemp("router")
    with RawProvider() as running, Router(folder, allowed_errors="client sent invalid") as router:
        router.serve(endpoint("a", port=running.port))
        yield router, running


def chunked(text: bytes) -> bytes:
    return POST + CHUNKED + b"\r\n" + text


REFUSED: dict[str, tuple[bytes, int]] = {
    "a length and chunks": (POST + LENGTH + CHUNKED + b"\r\n" + CHUNKS + ANOTHER, 400),
    "chunks and a length": (POST + CHUNKED + LENGTH + b"\r\n" + CHUNKS + ANOTHER, 400),
    "the same length twice": (POST + LENGTH + LENGTH + b"\r\n" + BODY, 400),
    "two lengths": (POST + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY, 400),
    "a list of lengths": (POST + b"Content-Length: 41, 41\r\n\r\n" + BODY, 400),
    "a length with a sign": (POST + b"Content-Length: +41\r\n\r\n" + BODY, 400),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n" + BODY, 400),
    "a length in hexadecimal": (POST + b"Content-Length: 0x29\r\n\r\n" + BODY, 400),
    "a length over 64 bits": (POST + b"Content-Length: 18446744073709551657\r\n\r\n" + BODY, 400),
    "a length in two words": (POST + b"Content-Length: 4 1\r\n\r\n" + BODY, 400),
    "chunked twice": (POST + CHUNKED + CHUNKED + b"\r\n" + CHUNKS, 400),
    "chunked, then identity": (POST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + CHUNKS, 400),
    "xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS + ANOTHER, 501),
    "a list of codings": (POST + b"Transfer-Encoding: identity, chunked\r\n\r\n" + CHUNKS, 501),
    "a list that ends in identity": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS, 501),
    "chunked behind a vertical tab": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS, 501),
    "chunked in quotes": (POST + b'Transfer-Encoding: "chunked"\r\n\r\n' + CHUNKS, 501),
    "an empty coding": (POST + b"Transfer-Encoding:\r\n" + LENGTH + b"\r\n" + BODY, 501),
    "a blank before the colon": (POST + b"Transfer-Encoding : chunked\r\n" + LENGTH + b"\r\n" + BODY + ANOTHER, 400),
    "a blank before the name": (POST + b" Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "a folded coding": (POST + b"Transfer-Encoding:\r\n chunked\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "a coding behind a bare CR": (POST + b"X: y\rTransfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "a coding behind a bare LF": (POST + b"X: y\nTransfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "NUL in a value": (POST + b"X-A: a\0b\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "a control character in a name": (POST + b"X\x01A: b\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "a tab in a name": (POST + b"X-A\t: b\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "a header without a name": (POST + b": x\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "two hosts": (POST + b"Host: y\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "no host": (b"POST /v1/chat/completions HTTP/1.1\r\n" + LENGTH + b"\r\n" + BODY, 400),
    "chunks by HTTP/1.0": (chunked(CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
    "a chunk size with 0x": (chunked(b"0x29\r\n" + BODY + b"\r\n0\r\n\r\n"), 400),
    "a negative chunk size": (chunked(b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"), 400),
    "a chunk size behind a blank": (chunked(b" 29\r\n" + BODY + b"\r\n0\r\n\r\n"), 400),
    "a chunk size over 64 bits": (chunked(b"10000000000000029\r\n" + BODY + b"\r\n0\r\n\r\n"), 400),
    "a chunk without its end": (chunked(b"%x\r\n" % len(BODY) + BODY + b"XX0\r\n\r\n"), 400),
    "a bare LF in a chunk extension": (chunked(b"%x;a\nb\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"), 400),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a tunnel": (b"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n", 400),
}


@pytest.mark.parametrize(("sent", "want_status"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_ambiguous_is_refused(routed: tuple[Router, RawProvider], sent: bytes, want_status: int) -> None:
    router, provider = routed
    before = len(provider.requests())

    with rawhttp.connect(router.port) as sock:
        sock.sendall(sent)
        got = rawhttp.receive(sock)

    assert got.status == want_status
    assert got.end is not rawhttp.End.OPEN  # nothing behind it is read as a request
    assert got.raw.count(b"HTTP/1.1 ") == 1
    assert b'"poolkeeper_error"' in got.payload
    assert len(provider.requests()) == before


TAKEN: dict[str, bytes] = {
    "a length": POST + LENGTH + b"\r\n" + BODY,
    "chunks": chunked(CHUNKS),
    "chunks in capitals": POST + b"tRANSFER-eNCODING: CHUNKED\r\n\r\n" + CHUNKS,
    "a chunk extension": chunked(b"%x;a=b\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"),
    "a trailer that would be a header": chunked(
        b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\nContent-Length: 3\r\nX-Late: 1\r\nAuthorization: Bearer x\r\n\r\n"
    ),
    "bare LF all over": (POST + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY,
    "underscores for hyphens": POST + b"Transfer_Encoding: chunked\r\nContent_Length: 3\r\n" + LENGTH + b"\r\n" + BODY,
    "another host in the path": POST.replace(b" /v1", b" http://evil.test/v1") + LENGTH + b"\r\n" + BODY,
}


@pytest.mark.parametrize("sent", TAKEN.values(), ids=TAKEN.keys())
def test_what_is_not_goes_on_as_one_request_with_our_own_length(
    routed: tuple[Router, RawProvider], sent: bytes
) -> None:
    router, provider = routed
    before = len(provider.requests())

    with rawhttp.connect(router.port) as sock:
        sock.sendall(sent)
        got = rawhttp.receive(sock, silence_s=PATIENCE_S)

    assert got.status == 200
    (request,) = provider.requests()[before:]
    assert request.first_line == "POST /v1/chat/completions HTTP/1.1"
    assert request.body == BODY
    assert request.values("host") == [f"127.0.0.1:{provider.port}"]
    assert request.values("content-length") == [str(len(BODY))]
    assert not {"transfer_encoding", "content_length", "x-late", "te", "trailer"} & set(request.names)
    assert request.values("authorization") == ["Bearer sk-a"]


def test_what_stands_behind_a_request_is_the_next_one(routed: tuple[Router, RawProvider]) -> None:
    router, provider = routed
    before = len(provider.requests())

    with rawhttp.connect(router.port) as sock:
        sock.sendall((POST + LENGTH + b"\r\n" + BODY) * 3 + ANOTHER)
        got = rawhttp.receive(sock, enough=b'"object":"list"')

    assert got.raw.count(b"HTTP/1.1 200") == 4
    assert [request.body for request in provider.requests()[before:]] == [BODY] * 3


def test_a_body_that_is_too_short_for_its_length_never_reaches_anybody(routed: tuple[Router, RawProvider]) -> None:
    router, provider = routed
    before = len(provider.requests())

    with rawhttp.connect(router.port) as sock:
        sock.sendall(POST + b"Content-Length: 1000\r\n\r\n" + BODY)
        sock.shutdown(1)
        rawhttp.receive(sock)

    assert len(provider.requests()) == before
