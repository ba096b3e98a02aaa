"""Which callers access mode Keys admits, and what the router reports of clients whose key is missing."""

import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc, Credential
from router.harness import Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes import rawhttp
from testing.fakes.harness import FakeProvider

KEY = "ck-canary-51d0"
KEEPS = policy(fallback={"cache_ttl_ms": 3_600_000, "cache_bytes": 64 << 20})


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


def test_a_key_that_can_be_guessed_is_none(router: Router, a: FakeProvider) -> None:
    router.write_key("web", "1234567", folder="clients")
    router.serve(endpoint("a", a), access=access("web"))

    assert router.ask(headers={"x-api-key": "1234567"}).status_code == 401
    assert [(client.name, client.problem) for client in router.state().clients_without_key] == [("web", "TooShort")]


def test_of_two_clients_with_one_key_the_first_has_it(router: Router, a: FakeProvider) -> None:
    for name in ("batch", "web"):
        router.write_key(name, KEY, folder="clients")
    router.serve(endpoint("a", a), access=access("batch", "web"))

    assert router.ask(headers={"x-api-key": KEY}).status_code == 200
    (said,) = router.state().clients_without_key
    assert (said.name, said.problem, said.shared_with) == ("web", "Shared", "batch")

    router.write_key("web", "ck-of-web-alone", folder="clients")
    eventually(lambda: router.state().clients_without_key == (), "each has its own")
    assert router.ask(headers={"x-api-key": "ck-of-web-alone"}).status_code == 200


def test_a_new_key_gets_no_answer_that_the_old_one_was_given(router: Router, a: FakeProvider) -> None:
    """Who had the old key may be somebody else."""
    router.write_key("web", KEY, folder="clients")
    router.serve(endpoint("a", a), access=access("web"), policy=KEEPS)
    assert router.ask(headers={"x-api-key": KEY}).status_code == 200
    a.set("busy503")
    assert router.ask(headers={"x-api-key": KEY}).status_code == 200, "cached"

    router.write_key("web", "ck-another-hand", folder="clients")

    eventually(lambda: router.ask(headers={"x-api-key": "ck-another-hand"}).status_code != 401, "the key has come")
    assert router.ask(headers={"x-api-key": "ck-another-hand"}).status_code == 503


def test_no_name_of_a_secret_leaves_the_admin_port(router: Router, a: FakeProvider) -> None:
    """Everybody who reaches the Pod reads it; the operator knows the names without it."""
    lost = endpoint("a", a, credential=Credential(file="lost", source="Secret deepseek-canary, key api-key-canary"))
    router.serve(lost, access=access("web"))
    (router.folder / "credentials" / "lost").unlink()
    eventually(lambda: "missing or empty" in plain_http.get(f"{router.admin}/state").text, "the key is missed")

    seen = plain_http.get(f"{router.admin}/state").text + router.metrics()

    assert "key file credentials/lost missing or empty" in seen
    assert "canary" not in seen
    assert "Secret clients" not in seen


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
