"""Through a proxy: which endpoint goes that way, what the proxy sees of it, and whose failure it is when it fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from router.harness import PEER_RESET, STAYS_OPEN, Router, endpoint, events, policy, tls
from testing.fakes import tls as certificates
from testing.fakes.harness import FakeProvider
from testing.fakes.ports import free_port
from testing.fakes.proxy import FakeProxy

INSIDE = "models.inside.test"
"""A name that only the fake proxy "resolves"."""


@pytest.fixture
def proxy() -> Iterator[FakeProxy]:
    with FakeProxy() as running:
        yield running


@pytest.fixture
def secure() -> Iterator[FakeProvider]:
    with FakeProvider("tls", keys=["sk-a", "sk-b"], tls_names=[INSIDE]) as fake:
        yield fake


@pytest.fixture
def trusting(tmp_path: Path) -> Iterator[Router]:
    authority = certificates.shared_authority().certificate.cert
    with Router(tmp_path, authority=authority, allowed_errors=f"SSL_|certificate|{PEER_RESET}") as running:
        yield running


def through(proxy_port: int, host: str = "127.0.0.1") -> dict[str, object]:
    return {"egress_proxy": {"host": host, "port": proxy_port}}


def error_class(router: Router, name: str) -> str:
    error = router.endpoint(name).last_error
    return error.class_ if error else ""


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_https_goes_through_a_tunnel_with_the_endpoints_own_certificate(
    trusting: Router, proxy: FakeProxy, secure: FakeProvider, stream: bool
) -> None:
    trusting.serve(endpoint("a", secure, host=INSIDE, **tls(INSIDE), **through(proxy.port)))

    answers = [trusting.ask(stream=stream) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {200}
    assert not stream or events(answers[0].text)[-1] == "[DONE]"
    assert {(entry.sni, entry.key) for entry in secure.log()} == {(INSIDE, "sk-a")}
    assert [(asked.method, asked.target) for asked in proxy.asked] == [("CONNECT", f"{INSIDE}:{secure.port}")], "kept"


def test_a_proxy_sees_no_key_and_no_prompt_of_https(trusting: Router, proxy: FakeProxy, secure: FakeProvider) -> None:
    trusting.serve(endpoint("a", secure, host=INSIDE, **tls(INSIDE), **through(proxy.port)))

    assert trusting.ask(messages=[{"role": "user", "content": "canary"}]).status_code == 200

    said = "\n".join(proxy.asked[0].headers)
    assert "sk-a" not in said
    assert b"canary" not in proxy.seen
    assert b"sk-a" not in proxy.seen


def test_plain_http_is_forwarded_in_absolute_form(router: Router, proxy: FakeProxy, a: FakeProvider) -> None:
    router.serve(endpoint("a", a, host=INSIDE, **through(proxy.port)))

    assert router.ask().status_code == 200

    (asked,) = proxy.asked
    assert (asked.method, asked.target) == ("POST", f"http://{INSIDE}:{a.port}/v1/chat/completions")
    assert f"Host: {INSIDE}:{a.port}" in asked.headers


def test_a_certificate_is_checked_inside_the_tunnel(trusting: Router, proxy: FakeProxy, secure: FakeProvider) -> None:
    trusting.serve(endpoint("a", secure, host="other.test", **tls("other.test"), **through(proxy.port)))

    assert trusting.ask().status_code == 503

    assert error_class(trusting, "a") == "Connect", "the proxy did its part"
    assert secure.log() == []


def test_only_the_endpoint_that_names_the_proxy_goes_through_it(
    router: Router, proxy: FakeProxy, a: FakeProvider, b: FakeProvider
) -> None:
    router.serve(endpoint("a", a, host=INSIDE, **through(proxy.port)), endpoint("b", b))

    for _ in range(20):
        assert router.ask().status_code == 200

    assert {asked.target for asked in proxy.asked} == {f"http://{INSIDE}:{a.port}/v1/chat/completions"}
    assert b.stats().total + a.stats().total == 20


def test_two_endpoints_behind_one_proxy_never_share_a_connection(
    trusting: Router, proxy: FakeProxy, secure: FakeProvider
) -> None:
    trusting.serve(*(endpoint(name, secure, host=INSIDE, **tls(INSIDE), **through(proxy.port)) for name in ("a", "b")))
    for _ in range(20):
        assert trusting.ask().status_code == 200

    users: dict[int, set[str | None]] = {}
    for entry in secure.log():
        users.setdefault(entry.connection, set()).add(entry.key)
    assert all(len(keys) == 1 for keys in users.values())
    assert {entry.key for entry in secure.log()} == {"sk-a", "sk-b"}


FAULTS: dict[str, dict[str, object]] = {
    "it wants a login": {"refuse": "407 Proxy Authentication Required"},
    "it may not go there": {"refuse": "403 Forbidden"},
    "it cannot reach the endpoint": {"refuse": "502 Bad Gateway"},
    "it says nothing": {"silent": True},
    "it speaks something else": {"refuse": "hello\r\nHTTP/1.1 200 OK"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_proxys_own_failure_says_so_and_the_next_endpoint_answers(
    trusting: Router, a: FakeProvider, secure: FakeProvider, fault: str
) -> None:
    short = policy(timeouts={"connect_ms": 300}, circuit_breaker={**STAYS_OPEN, "consecutive_failures": 1})
    with FakeProxy(**FAULTS[fault]) as failing:  # type: ignore[arg-type]  # a table of its keywords
        trusting.serve(
            endpoint("far", secure, host=INSIDE, **tls(INSIDE), **through(failing.port)),
            endpoint("a", a, tier=1),
            policy=short,
        )
        answer = trusting.ask()

    assert answer.headers["x-poolkeeper-endpoint"] == "a"
    assert error_class(trusting, "far") == "ProxyFailed"
    far = trusting.endpoint("far")
    assert far.breaker == "Open"
    assert [model.reason for model in far.models] == ["ProxyFailed"]
    assert secure.log() == []


@pytest.mark.parametrize(
    "refusal",
    [
        "407 Proxy Authentication Required",
        "502 Bad Gateway\r\nProxy-Status: egress; error=destination_unavailable",
        "503 Service Unavailable\r\nX-Squid-Error: ERR_CONNECT_FAIL 111",
    ],
)
def test_a_forwarding_proxy_that_answers_itself_is_distinguished_from_the_endpoint(
    router: Router, a: FakeProvider, b: FakeProvider, refusal: str
) -> None:
    with FakeProxy(refuse=refusal) as failing:
        router.serve(endpoint("a", a, host=INSIDE, **through(failing.port)), endpoint("b", b, tier=1))

        assert router.ask().headers["x-poolkeeper-endpoint"] == "b"

    assert error_class(router, "a") == "ProxyFailed"


def test_an_endpoints_own_refusal_behind_a_proxy_stays_its_own(
    router: Router, proxy: FakeProxy, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("busy503")
    router.serve(endpoint("a", a, host=INSIDE, **through(proxy.port)), endpoint("b", b, tier=1))

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"

    assert error_class(router, "a") == "Busy"


def test_a_proxy_that_is_not_there_has_failed(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a, **through(free_port())), endpoint("b", b, tier=1))

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"

    assert error_class(router, "a") == "ProxyFailed"


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "::1", "127.0.0.1"])
def test_a_proxy_is_never_at_a_forbidden_address(router: Router, a: FakeProvider, address: str) -> None:
    router.serve(endpoint("a", a, host=INSIDE, **through(a.port, address)), allow_loopback=False)

    assert router.ask().status_code == 503

    assert error_class(router, "a") == "ProxyFailed"
    assert a.log() == []


def test_nor_is_a_proxy_asked_for_one(router: Router, proxy: FakeProxy, a: FakeProvider) -> None:
    router.serve(endpoint("a", a, host="169.254.169.254", **through(proxy.port)))

    assert router.ask().status_code == 503

    assert proxy.asked == []
