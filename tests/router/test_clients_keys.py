"""Which callers access mode Keys admits, and what the router reports of clients whose key is missing."""

import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc
from router.harness import Router, endpoint, eventually, request
from testing.fakes import rawhttp
from testing.fakes.harness import FakeProvider

KEY = "ck-canary-51d0"


def access(*names: str) -> AccessDoc:
    clients = tuple(ClientDoc(name=name, key_file=name, source=f"Secret clients, key {name}") for name in names)
    return AccessDoc(mode="Keys", clients=clients)


@pytest.mark.parametrize(
    ("headers", "want_status"),
    [
        ((), 401),
        ((f"Authorization: Bearer {KEY}",), 200),
        ((f"authorization: bearer   {KEY}",), 200),
        ((f"x-api-key: {KEY}",), 200),
        ((f"Authorization: {KEY}",), 401),
        ((f"Authorization: Basic {KEY}",), 401),
        ((f"Authorization: Bearer {KEY}x",), 401),
        ((f"Authorization: Bearer {KEY[:-1]}",), 401),
        ((f"Authorization: Bearer {KEY.upper()}",), 401),
        ((f"Authorization: Bearer {KEY} {KEY}",), 401),
        ((f"Authorization: Bearer wrong, Bearer {KEY}",), 401),
        (("Authorization: Bearer wrong", f"x-api-key: {KEY}"), 200),
        ((f"api-key: {KEY}",), 200),
        (("Authorization: Bearer",), 401),
        (("Authorization:",), 401),
        (("x-api-key:",), 401),
        ((f"x-api-key: {KEY}", "x-api-key: wrong"), 401),
        ((f"Authorization: Bearer {KEY}", "Authorization: Bearer wrong"), 400),
        ((f"Authorization : Bearer {KEY}",), 400),
        ((f"X_Api_Key: {KEY}",), 401),
        (("Authorization: Bearer sk-a",), 401),
    ],
)
def test_a_key_is_looked_for_in_three_places(
    router: Router, a: FakeProvider, headers: tuple[str, ...], want_status: int
) -> None:
    router.write_key("web", f"{KEY}\n", folder="clients")
    router.serve(endpoint("a", a), access=access("web"))
    head, blank, body = rawhttp.request("/v1/chat/completions", request(), {"connection": "close"}).partition(
        b"\r\n\r\n"
    )

    with rawhttp.connect(router.port) as sock:
        sock.sendall("\r\n".join([head.decode(), *headers]).encode() + blank + body)
        got = rawhttp.receive(sock)

    assert got.status == want_status
    assert len(a.log()) == (want_status == 200)
    assert KEY not in router.log() + router.metrics() + str(router.state())


@pytest.mark.parametrize("text", [None, "", "\n", "  ", "two words", "two\nlines"])
def test_a_client_without_a_key_is_named_and_nobody_calls_in_its_name(
    router: Router, a: FakeProvider, text: str | None
) -> None:
    router.write_key("web", KEY, folder="clients")
    if text is not None:
        router.write_key("batch", text, folder="clients")
    router.serve(endpoint("a", a), access=access("batch", "web"))

    assert [client.name for client in router.state().clients_without_key] == ["batch"]
    assert router.state().clients_without_key[0].since is not None
    for shown in ((text or "").split("\n")[0], "", "two"):
        assert router.ask(headers={"x-api-key": shown.strip()}).status_code == 401
    assert router.ask(headers={"x-api-key": KEY}).status_code == 200

    router.write_key("batch", "ck-batch", folder="clients")
    eventually(lambda: router.state().clients_without_key == (), "its key has come")
    assert router.ask(headers={"x-api-key": "ck-batch"}).status_code == 200


def test_a_key_that_goes_away_lets_nobody_in(router: Router, a: FakeProvider) -> None:
    router.write_key("web", KEY, folder="clients")
    router.serve(endpoint("a", a), access=access("web"))
    assert router.ask(headers={"x-api-key": KEY}).status_code == 200

    (router.folder / "clients" / "web").unlink()

    eventually(lambda: router.ask(headers={"x-api-key": KEY}).status_code == 401, "the key is out")
    assert [client.name for client in router.state().clients_without_key] == ["web"]


def test_a_client_that_is_no_longer_declared_is_out_at_once(router: Router, a: FakeProvider) -> None:
    router.write_key("web", KEY, folder="clients")
    router.write_key("batch", "ck-batch", folder="clients")
    router.serve(endpoint("a", a), access=access("batch", "web"))
    assert router.ask(headers={"x-api-key": KEY}).status_code == 200

    router.serve(endpoint("a", a), access=access("batch"))

    assert router.ask(headers={"x-api-key": KEY}).status_code == 401
    assert router.ask(headers={"x-api-key": "ck-batch"}).status_code == 200
