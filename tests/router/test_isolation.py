"""Keys, names and certificates: nothing reaches whom it is not for."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from router.harness import MODEL, Router, endpoint, eventually, policy, tls
from testing.fakes import tls as certificates
from testing.fakes.harness import FakeProvider

CANARY = "sk-canary-7f3a"
REQUEST_ID = "0b9a7c5e-5d0c-4f0e-9d3f-0123456789ab"


def test_each_key_reaches_its_own_endpoint_only(router: Router) -> None:
    names = ("a", "b", "c")
    fakes = [FakeProvider(name, keys=[f"sk-{name}"]).start() for name in names]
    flaky = {
        "mix": [
            {"scenario": "ok", "weight": 3},
            {"scenario": "busy503", "weight": 1},
            {"scenario": "error500", "weight": 1},
        ]
    }
    never = policy(retry={"busy_backoff_ms": (0,)}, circuit_breaker={"consecutive_failures": 10_000})
    router.serve(*(endpoint(name, fake) for name, fake in zip(names, fakes, strict=True)), policy=never)
    for fake in fakes:
        fake.play(flaky)

    for number in range(120):
        router.ask(stream=number % 2 == 0, headers={"Authorization": f"Bearer {CANARY}"})

    for name, fake in zip(names, fakes, strict=True):
        assert {entry.key for entry in fake.log()} == {f"sk-{name}"}
        fake.stop()


def test_no_key_is_in_log_state_or_metrics(router: Router, a: FakeProvider) -> None:
    router.write_key("a", CANARY)
    a.settings(keys=[CANARY])
    router.serve(endpoint("a", a))
    assert router.ask(headers={"Authorization": f"Bearer {CANARY}"}).status_code == 200
    a.set("auth")
    router.ask()

    said = router.log() + router.metrics() + router.client.get(f"{router.admin}/state").text

    assert CANARY not in said
    assert "canary" not in said


def test_what_a_caller_may_not_send_does_not_arrive(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    hidden = {
        "Authorization": "Bearer mine", "X-Api-Key": "mine", "Cookie": "c=1", "Accept-Encoding": "gzip",
        "X-Accel-Redirect": "/etc", "X-Poolkeeper-Priority": "0", "X-Forwarded-For": "10.0.0.1", "TE": "trailers",
        "Connection": "keep-alive, X-Hop", "X-Hop": "1",
    }  # fmt: skip

    answer = router.ask(headers={**hidden, "X-Session-Id": "s1", "X-Request-Id": REQUEST_ID})

    assert answer.headers["x-request-id"] == REQUEST_ID

    (entry,) = a.log()
    seen = {name.lower(): value for name, value in entry.headers.items()}
    assert seen["authorization"] == "Bearer sk-a"
    assert seen["x-session-id"] == "s1"
    assert seen["x-request-id"] == REQUEST_ID
    assert seen["host"] == f"127.0.0.1:{a.port}"
    assert not {name.lower() for name in hidden} - {"authorization", "connection"} & set(seen)


def test_what_a_provider_may_not_say_does_not_come_through(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))

    answer = router.ask()

    assert set(answer.headers) == {
        "server", "date", "content-type", "content-length", "connection", "x-poolkeeper-endpoint", "x-poolkeeper-tier",
        "x-poolkeeper-attempts", "x-request-id",
    }  # fmt: skip
    assert answer.headers["server"] == "nginx"


def test_each_endpoint_is_asked_for_the_model_by_its_own_name(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("busy503")
    for fake in (a, b):
        fake.settings(any_model=True)
    router.serve(
        endpoint("a", a, models=[{"name": MODEL, "upstream_name": 'deepseek/v4 "pro"'}]),
        endpoint("b", b, tier=1, models=[{"name": MODEL, "upstream_name": "pro"}]),
    )

    router.ask()

    assert [entry.model for entry in (*a.log(), *b.log())] == ['deepseek/v4 "pro"', "pro"]


# --- TLS


@pytest.fixture
def trusting(tmp_path: Path) -> Iterator[Router]:
    authority = certificates.shared_authority().certificate.cert
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 one.test two.test wrong.test\n")
    environment = {"POOLKEEPER_HOSTS": str(hosts)}
    with Router(tmp_path, authority=authority, environment=environment, allowed_errors="SSL_do_handshake") as running:
        yield running


@pytest.mark.smoke
def test_a_server_must_prove_its_name(trusting: Router) -> None:
    with FakeProvider("tls", keys=["sk-good", "sk-bad"], tls_names=["one.test"]) as fake:
        good = endpoint("good", fake, host="one.test", tier=1, **tls("one.test"))
        bad = endpoint("bad", fake, host="wrong.test", **tls("wrong.test"))
        trusting.serve(bad, good)

        answer = trusting.ask()

        assert answer.headers["x-poolkeeper-endpoint"] == "good"
        assert {(entry.key, entry.sni) for entry in fake.log()} == {("sk-good", "one.test")}
        last_error = trusting.endpoint("bad").last_error
        assert last_error is not None
        assert last_error.class_ == "Connect"


def test_the_systems_authorities_may_be_kept_elsewhere(tmp_path: Path) -> None:
    environment = {"SSL_CERT_FILE": str(certificates.shared_authority().certificate.cert)}
    with (
        FakeProvider("tls", keys=["sk-a"], tls_names=["localhost"]) as fake,
        Router(tmp_path, environment=environment) as router,
    ):
        router.serve(endpoint("a", fake, **tls("localhost")))

        assert router.ask().status_code == 200


def test_a_stranger_is_not_trusted(tmp_path: Path) -> None:
    with (
        FakeProvider("tls", keys=["sk-a"], tls_names=["localhost"]) as fake,
        Router(tmp_path, allowed_errors="SSL_do_handshake|certificate verify") as router,
    ):
        router.serve(endpoint("a", fake, host="localhost", **tls("localhost")))

        assert router.ask().status_code == 503
        assert fake.log() == []


def test_two_names_on_one_address_never_share_a_connection(trusting: Router) -> None:
    with FakeProvider("tls", keys=["sk-one", "sk-two"], tls_names=["one.test", "two.test"]) as fake:
        trusting.serve(
            endpoint("one", fake, host="one.test", **tls("one.test")),
            endpoint("two", fake, host="two.test", **tls("two.test")),
        )
        for _ in range(30):
            assert trusting.ask().status_code == 200

        users: dict[int, set[str | None]] = {}
        for entry in fake.log():
            users.setdefault(entry.connection, set()).add(entry.key)
        assert {entry.key for entry in fake.log()} == {"sk-one", "sk-two"}
        assert all(len(keys) == 1 for keys in users.values())
        assert len(users) < 30  # they are still reused
        assert {(entry.key, entry.sni) for entry in fake.log()} == {("sk-one", "one.test"), ("sk-two", "two.test")}


# --- addresses


class Names(threading.Thread):
    """A DNS server on loopback: answers every A question with one address, for ttl_s."""

    def __init__(self, address: str, ttl_s: int) -> None:
        super().__init__(daemon=True)
        self.address, self.ttl_s, self.questions = address, ttl_s, 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                query, client = self._socket.recvfrom(512)
            except OSError:
                return
            self.questions += 1
            end = query.index(b"\0", 12) + 5
            is_a = query[end - 4 : end - 2] == b"\0\1"
            answer = b""
            if is_a:
                answer = b"\xc0\x0c\0\1\0\1" + self.ttl_s.to_bytes(4, "big") + b"\0\4" + socket.inet_aton(self.address)
            head = query[:2] + b"\x81\x80" + b"\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0"
            self._socket.sendto(head + query[12:end] + answer, client)

    def stop(self) -> None:
        self._socket.close()


@contextmanager
def resolving(tmp_path: Path, names: Names) -> Iterator[Router]:
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text(f"search nowhere.test\nnameserver 127.0.0.1:{names.port}\n")
    names.start()
    with Router(tmp_path, environment={"POOLKEEPER_RESOLV_CONF": str(resolv_conf)}) as router:
        yield router
    names.stop()


def test_a_name_is_looked_up_again_when_its_time_is_over(tmp_path: Path, a: FakeProvider) -> None:
    names = Names("127.0.0.9", ttl_s=1)  # nobody is there
    with resolving(tmp_path, names) as router:
        router.serve(
            endpoint("a", a, host="moving.test"), policy=policy(circuit_breaker={"consecutive_failures": 1_000})
        )
        assert router.ask().status_code == 503

        names.address = "127.0.0.1"
        eventually(lambda: router.ask().status_code == 200, "the new address is used")
        assert names.questions < 40


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "100.100.100.200", "192.0.0.192"])
def test_a_name_may_not_lead_to_a_forbidden_address(tmp_path: Path, address: str) -> None:
    with resolving(tmp_path, Names(address, ttl_s=60)) as router:
        router.serve(endpoint("a", host="rebinding.test", port=80))

        assert router.ask().status_code == 503
        last_error = router.endpoint("a").last_error
        assert last_error is not None
        assert last_error.class_ == "Connect"


def test_loopback_is_refused_where_it_is_not_allowed(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), allow_loopback=False)

    assert router.ask().status_code == 503
    assert a.log() == []
