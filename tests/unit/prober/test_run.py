"""One run: what is sent, what it may cost, and what the result never says."""

import json
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from poolkeeper.api.endpoint import Pricing
from poolkeeper.api.probe_document import Amount, SpentDoc
from poolkeeper.api.router_document import EgressProxy, Tls
from poolkeeper.clock import now
from poolkeeper.errors import UserError
from poolkeeper.prober.files import Files
from poolkeeper.probing.termination_message import encode
from testing.fakes import tls
from testing.fakes.harness import FakeProvider
from testing.fakes.listening import Listening
from unit.prober.pods import Pod, endpoint

CANARY = "sk-canary-official"
PRICES = Pricing.model_validate({"currency": "USD", "inputPerMillion": "1000", "outputPerMillion": "1000"})


def test_requests_are_real_tagged_and_never_cached(tmp_path: Path) -> None:
    with FakeProvider("official", keys=[CANARY]) as fake:
        pod = Pod(tmp_path, [endpoint(fake, key=True)], requests_per_run=2, keys={"official": CANARY})
        pod.run()
        first, second = [entry for entry in fake.log() if entry.method == "POST"]

    bodies = [json.loads(entry.body or "") for entry in (first, second)]
    assert {entry.key for entry in (first, second)} == {CANARY}
    assert first.headers["x-poolkeeper-probe"] == "1"
    assert [body["user"] for body in bodies] == ["poolkeeper-probe"] * 2
    assert bodies[0]["thinking"] == {"type": "disabled"}
    assert (bodies[0]["stream"], bodies[0]["max_tokens"]) == (True, 64)
    assert bodies[0]["messages"][0]["content"] != bodies[1]["messages"][0]["content"]


def test_the_users_samples_are_asked_one_after_the_other(tmp_path: Path) -> None:
    samples = "\n".join(json.dumps({"messages": [{"role": "user", "content": f"question {n}"}]}) for n in (1, 2))
    with FakeProvider("official") as fake:
        result = Pod(tmp_path, [endpoint(fake)], requests_per_run=2, samples=samples + "\nnonsense").run()
        contents = [json.loads(entry.body or "")["messages"][0]["content"] for entry in fake.log()]

    assert contents == ["(nonce-0) question 1", "(nonce-1) question 2"]
    assert result.note == "samples: line 3: is not JSON"


def test_one_slow_answer_is_asked_for_again_and_is_chance(tmp_path: Path) -> None:
    samples = "\n".join(json.dumps({"messages": [{"role": "user", "content": f"question {n}"}]}) for n in (1, 2))
    slow = {"scenario": "ok", "requests": 1, "params": {"first_token_ms": 400.0}}
    with FakeProvider("official") as fake:
        fake.play({"script": [slow, {"scenario": "ok"}]})
        found = Pod(tmp_path, [endpoint(fake)], samples=samples).one()
        contents = [json.loads(entry.body or "")["messages"][0]["content"] for entry in fake.log()]

    assert (found.why, found.bad, found.asked) == ("", 0, 3)
    assert contents == ["(nonce-0) question 1", "(nonce-1) question 1", "(nonce-2) question 1"]


def test_a_slow_answer_is_not_asked_for_again_without_money(tmp_path: Path) -> None:
    """The first leaves too little of the budget for what a second may cost."""
    with FakeProvider("official", params={"first_token_ms": 400.0}) as fake:
        found = Pod(tmp_path, [endpoint(fake, pricing=PRICES)], daily_budget="0.37").one()
        asked = len(fake.log())

    assert (found.why, asked) == ("", 1)


def test_nothing_that_an_endpoint_said_and_no_key_is_in_the_result(tmp_path: Path) -> None:
    with FakeProvider("official", keys=[CANARY]) as official, FakeProvider("other") as other:
        official.set("error500", message="CANARY-UPSTREAM-TEXT")
        other.set("ok", finish_reason="CANARY-UPSTREAM-TEXT", answers_as="CANARY-UPSTREAM-TEXT")
        endpoints = [endpoint(official, key=True), endpoint(other)]
        written = encode(Pod(tmp_path, endpoints, keys={"official": CANARY}).run())

    assert b"CANARY" not in written.upper()


@pytest.mark.parametrize("key", [None, "", " \n", "schl\u00fcssel"])
def test_without_its_key_an_endpoint_is_not_asked(key: str | None, tmp_path: Path) -> None:
    with FakeProvider("official") as fake:
        keys = {} if key is None else {"official": key}
        found = Pod(tmp_path, [endpoint(fake, key=True)], keys=keys).one()

        assert found.why == "SecretNotFound"
        assert fake.log() == []


def test_the_day_s_budget_is_not_exceeded(tmp_path: Path) -> None:
    """A price table that makes it bite: each request costs cents."""
    with FakeProvider("official") as fake:
        pod = Pod(tmp_path, [endpoint(fake, pricing=PRICES)], requests_per_run=20, daily_budget="0.80")
        result = pod.run()
        asked = len(fake.log())

    assert result.over_budget
    assert 0 < asked < 20
    assert 0 < float(result.cost[0].amount) <= 0.8
    assert result.endpoints[0].asked == asked


def test_what_was_spent_before_counts(tmp_path: Path) -> None:
    at = now()
    spent = SpentDoc(day=at.date(), as_of=at - timedelta(seconds=1), amounts=(Amount(currency="USD", amount="1.499"),))
    with FakeProvider("official") as fake, FakeProvider("free") as free:
        endpoints = [endpoint(fake, pricing=PRICES), endpoint(free)]
        result = Pod(tmp_path, endpoints, daily_budget="1.50", spent=spent).run()

        assert fake.log() == []
    assert (result.over_budget, result.cost) == (True, ())
    assert [one.asked for one in result.endpoints] == [0, 1]


def test_what_is_left_of_a_budget_is_not_always_the_same_endpoint_s(tmp_path: Path) -> None:
    """It would be the only one of which anything new is known, all day and every day."""
    with FakeProvider("one") as one, FakeProvider("other") as other:
        endpoints = [endpoint(fake, pricing=PRICES) for fake in (one, other)]
        pod = Pod(tmp_path, endpoints, daily_budget="0.50")
        runs = [pod.run(first=number).endpoints for number in range(2)]

    assert [[(found.name, found.asked) for found in run] for run in runs] == [
        [("one", 1), ("other", 0)],
        [("one", 0), ("other", 1)],
    ]


def test_what_has_no_time_left_is_not_judged(tmp_path: Path) -> None:
    with FakeProvider("official") as quick, FakeProvider("stuck") as stuck:
        stuck.set("hang_before_headers")
        result = Pod(tmp_path, [endpoint(quick), endpoint(stuck)]).run(limit_s=1.5)

    assert [(one.why, one.asked) for one in result.endpoints] == [("", 1), ("", 0)]
    assert result.note == "1/2 endpoints were not asked: the time was over"


def test_the_rate_limit_says_nothing_about_health(tmp_path: Path) -> None:
    with FakeProvider("official") as fake:
        fake.set("rate_limit")
        found = Pod(tmp_path, [endpoint(fake)]).one()

    assert (found.why, found.bad, found.asked) == ("RateLimited", 0, 0)


def test_two_dead_answers_are_enough(tmp_path: Path) -> None:
    with FakeProvider("official") as fake:
        fake.set("empty_content")
        found = Pod(tmp_path, [endpoint(fake)], requests_per_run=50).one()

    assert (found.bad, found.asked) == (2, 2)


@pytest.mark.parametrize(
    ("requests", "scenario", "served", "want"),
    [
        pytest.param(
            1, "ok", ("deepseek-flash", "deepseek-v4-pro"), ("deepseek-flash",), id="the one that was asked for"
        ),
        pytest.param(2, "ok", ("deepseek-flash", "deepseek-v4-pro"), ("deepseek-flash", "deepseek-v4-pro"), id="both"),
        pytest.param(4, "ok", ("deepseek-flash",), ("deepseek-flash",), id="not the one that is missing"),
        pytest.param(2, "empty_content", ("deepseek-flash", "deepseek-v4-pro"), (), id="none"),
        pytest.param(2, "rate_limit", ("deepseek-flash", "deepseek-v4-pro"), (), id="none that was not answered"),
    ],
)
def test_it_tells_which_models_answered_well(
    requests: int, scenario: str, served: tuple[str, ...], want: tuple[str, ...], tmp_path: Path
) -> None:
    with FakeProvider("official", models=list(served)) as fake:
        fake.set(scenario)
        asked = endpoint(fake, models=("deepseek-flash", "deepseek-v4-pro"))
        found = Pod(tmp_path, [asked], requests_per_run=requests).one()

    assert found.well == want


@pytest.mark.parametrize(("answer", "want"), [("200 OK", ""), ("403 Forbidden", "ProxyFailed")])
def test_an_endpoint_behind_its_proxy(answer: str, want: str, tmp_path: Path) -> None:
    """A proxy that forwards plain http as it comes, and answers CONNECT with the given status."""
    certificate = tls.shared_authority().issue("localhost")
    with FakeProvider("official", certificate=certificate) as fake, _Proxy(fake.port, answer) as proxy:
        way = endpoint(
            fake,
            tls=Tls(server_name="localhost", ca_file="ca.crt"),
            host="localhost",
            proxy=EgressProxy(host="127.0.0.1", port=proxy.port),
        )
        found = Pod(tmp_path, [way], authority=tls.shared_authority().certificate.cert).one()

    assert found.why == want
    assert found.phases is not None
    assert (found.phases.proxy is not None) is (want == "")


@pytest.mark.parametrize("proxy_host", ["127.0.0.1", "localhost", "169.254.169.254"])
def test_a_proxy_is_never_at_a_forbidden_address(proxy_host: str, tmp_path: Path) -> None:
    """Plain http: else the key would stand in what it is sent."""
    with FakeProvider("official", keys=[CANARY]) as fake, _Proxy(fake.port, "200 OK") as proxy:
        way = endpoint(fake, key=True, host="api.invalid", proxy=EgressProxy(host=proxy_host, port=proxy.port))
        found = Pod(tmp_path, [way], keys={"official": CANARY}, allow_loopback=False).one()

    assert found.why == "AddressRefused"
    assert proxy.heads == []


@pytest.mark.parametrize("host", ["169.254.169.254", "fd00:ec2::254", "64:ff9b::a9fe:a9fe"])
def test_nor_is_a_proxy_asked_for_one(host: str, tmp_path: Path) -> None:
    with FakeProvider("official") as fake, _Proxy(fake.port, "200 OK") as proxy:
        way = endpoint(fake, host=host, proxy=EgressProxy(host="127.0.0.1", port=proxy.port))
        found = Pod(tmp_path, [way]).one()

    assert found.why == "AddressRefused"
    assert proxy.heads == []


def test_authorities_are_read_once_for_all_who_bring_none_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca/own.crt").write_bytes(tls.shared_authority().certificate.cert.read_bytes())
    (tmp_path / "ca/no.crt").write_text("no certificate")
    with FakeProvider("plain") as plain:
        ways = {"a": None, "b": None, "own": "own.crt", "gone": "gone.crt", "no": "no.crt"}
        encrypted = [
            endpoint(plain, tls=Tls(server_name="x", ca_file=file)).model_copy(update={"name": name})
            for name, file in ways.items()
        ]
        found = Files(tmp_path).tls([endpoint(plain), *encrypted])

    assert found.keys() == ways.keys()
    assert found["a"] is found["b"] is found["gone"]
    trusted = {name: context.cert_store_stats()["x509_ca"] for name, context in found.items()}
    assert trusted["own"] == trusted["a"] + 1
    assert trusted["no"] == trusted["a"]


def test_a_document_of_another_version_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/probe.json").write_text('{"format": 2}')

    with pytest.raises(UserError, match="another version"):
        Files(tmp_path).document()


class _Proxy(Listening):
    """CONNECT to anywhere leads to one port."""

    def __init__(self, target: int, answer: str) -> None:
        super().__init__()
        self._target, self._answer = target, answer
        self.heads: list[bytes] = []

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(4096)
            if not more:
                return
            head += more
        self.heads.append(head)
        client.sendall(f"HTTP/1.1 {self._answer}\r\n\r\n".encode())
        if not self._answer.startswith("200"):
            client.close()
            return
        upstream = socket.create_connection(("127.0.0.1", self._target))
        threading.Thread(target=_pump, args=(upstream, client), daemon=True).start()
        _pump(client, upstream)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
