"""What a failed request says of its endpoint, in a word that helps to fix it: more than its class, at once and without
a health check."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from poolkeeper.api.router_document import EndpointDoc
from router.harness import Router, endpoint, eventually, policy, tls
from testing.fakes.harness import FakeProvider
from testing.fakes.listening import Listening
from testing.fakes.rawprovider import RawProvider
from testing.fakes.tls import shared_authority

QUICK = policy(circuit_breaker={"consecutive_failures": 2}, health_check={"type": "None"})


def answered(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def raw(answer: bytes) -> Iterator[EndpointDoc]:
    with RawProvider(lambda number, request: answer) as provider:
        yield endpoint("a", port=provider.port)


@contextmanager
def expired() -> Iterator[EndpointDoc]:
    with FakeProvider("a", certificate=shared_authority().issue("provider.test", expired=True)) as fake:
        yield endpoint("a", fake, **tls("provider.test"))


class Plain(Listening):
    """Answers whatever is sent, as nginx answers TLS on a port without it."""

    def _serve(self, client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(answered("400 Bad Request", b"The plain HTTP request was sent to HTTPS port"))
        client.close()


@contextmanager
def plain_where_tls_is_wanted() -> Iterator[EndpointDoc]:
    with Plain() as plain:
        yield endpoint("a", None, port=plain.port, **tls("provider.test"))


@contextmanager
def nameless() -> Iterator[EndpointDoc]:
    yield endpoint("a", host="nosuch.invalid", port=443)


@contextmanager
def at_a_forbidden_address() -> Iterator[EndpointDoc]:
    yield endpoint("a", host="169.254.169.254", port=80)


@contextmanager
def deaf() -> Iterator[EndpointDoc]:
    yield endpoint("a")


PAGE = b"<html><head><title>Welcome</title></head><body>It works!</body></html>"
MOVED = answered("301 Moved Permanently", b"", "Location: https://other.example/v1")
CASES: dict[str, tuple[Callable[[], AbstractContextManager[EndpointDoc]], str, str]] = {
    "an expired certificate": (expired, "Connect", "CertificateInvalid"),
    "no TLS": (plain_where_tls_is_wanted, "Connect", "TlsFailed"),
    "a name that is gone": (nameless, "Connect", "DnsFailed"),
    "an address that no pool may reach": (at_a_forbidden_address, "Connect", "AddressRefused"),
    "a closed port": (deaf, "Connect", "Connect"),
    "a web page": (lambda: raw(answered("200 OK", PAGE)), "Truncated", "InvalidAnswer"),
    "half an answer": (lambda: raw(answered("200 OK", b'{"id": "x", "choi')), "Truncated", "Truncated"),
    "a redirect": (lambda: raw(MOVED), "ServerError", "RedirectRefused"),
}


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(("faulty", "want_class", "want_cause"), CASES.values(), ids=CASES.keys())
def test_the_breaker_and_the_last_error_name_the_cause(
    tmp_path: Path,
    b: FakeProvider,
    faulty: Callable[[], AbstractContextManager[EndpointDoc]],
    want_class: str,
    want_cause: str,
    stream: bool,
) -> None:
    trusted = shared_authority().certificate.cert
    with faulty() as wrong, Router(tmp_path, authority=trusted, allowed_errors="SSL_do_handshake") as router:
        router.serve(wrong, endpoint("b", b, tier=1), policy=QUICK)

        for number in range(3):
            asked = [{"role": "user", "content": f"Question {number}"}]
            assert router.ask(messages=asked, stream=stream).headers["x-poolkeeper-endpoint"] == "b"
        eventually(lambda: router.endpoint("a").breaker == "Open", "an open breaker")

        seen = router.endpoint("a")
        assert seen.last_error is not None
        assert (seen.last_error.class_, seen.last_error.cause) == (want_class, want_cause)
        assert {model.reason for model in seen.models if model.breaker == "Open"} == {want_cause}
        opened = [line for line in router.metrics().splitlines() if line.startswith("poolkeeper_breaker_transitions")]
        assert [line for line in opened if 'to="Open"' in line and f'reason="{want_class}"' in line and "} 1" in line]
        assert not [line for line in opened if want_cause != want_class and f'reason="{want_cause}"' in line]
