"""The server over a real socket: what a browser meets, and what a stranger does."""

import http.client
import socket
from collections.abc import Iterator
from threading import Barrier, Thread

import pytest

from poolkeeper.dashboard.server import serving
from poolkeeper.dashboard.site import DOCUMENT, HEADERS, Site
from poolkeeper.errors import UserError

HOST = "127.0.0.1"
PATIENCE_S = 20.0


@pytest.fixture
def port() -> Iterator[int]:
    with serving(HOST, 0, Site(HOST, lambda: b'{"pools":[]}')) as port:
        yield port


def ask(port: int, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)
    connection.request(method, path, headers=headers)
    return connection.getresponse()


def raw(port: int, request: bytes) -> bytes:
    with socket.create_connection((HOST, port), PATIENCE_S) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_the_page_and_its_document(port: int) -> None:
    page, document = ask(port, "/"), ask(port, f"{DOCUMENT}?t=1")

    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"/app.js" in page.read()
    assert (document.status, document.headers["Content-Type"]) == (200, "application/json")
    assert document.read() == b'{"pools":[]}'
    assert {name: document.headers[name] for name in HEADERS} == dict(HEADERS)
    assert document.headers["Server"] == "poolkeeper"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_anything_but_get_is_refused(port: int, method: str) -> None:
    answer = ask(port, DOCUMENT, method)

    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


def test_head_is_refused_without_a_body(port: int) -> None:
    assert raw(port, b"HEAD / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").endswith(b"\r\n\r\n")


def test_a_foreign_host_is_refused(port: int) -> None:
    answer = ask(port, DOCUMENT, Host="evil.example")

    assert answer.status == 403
    assert b"pools" not in answer.read()


def test_what_follows_a_refused_request_is_not_taken_for_another(port: int) -> None:
    smuggled = b"GET /pools.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    request = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s" % (len(smuggled), smuggled)

    assert raw(port, request).count(b"HTTP/1.") == 1


@pytest.mark.parametrize("request_line", [b"", b"\r\n", b"GET\r\n\r\n", b"\xff\xfe\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_junk_harms_nobody(port: int, request_line: bytes) -> None:
    raw(port, request_line)

    assert ask(port, "/").status == 200


def test_one_that_says_nothing_keeps_nobody_waiting(port: int) -> None:
    with socket.create_connection((HOST, port), PATIENCE_S):
        assert ask(port, "/").status == 200


def test_many_at_once(port: int) -> None:
    together, seen = Barrier(8), list[int]()

    def one() -> None:
        together.wait(PATIENCE_S)
        seen.append(ask(port, DOCUMENT).status)

    threads = [Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert seen == [200] * 8


def test_an_address_that_is_taken_is_reported(port: int) -> None:
    with (
        pytest.raises(UserError, match=f"--listen 127.0.0.1:{port}: .*; choose another address"),
        serving(HOST, port, Site(HOST, bytes)),
    ):
        pass
