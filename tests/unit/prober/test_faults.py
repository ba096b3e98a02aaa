"""Each grey failure that /health and /models do not show is found within two runs, and named."""

import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from poolkeeper.api.reasons import ProbeReason as R
from poolkeeper.api.router_document import Tls
from testing.fakes import tls
from testing.fakes.harness import FakeProvider
from testing.fakes.player import EVENT_STREAM, JSON, Player, Steps, until_closed, whole
from unit.prober.pods import Pod, endpoint, probe_status

NORMAL = {"tokens": 40, "first_token_ms": 60.0, "token_interval_ms": 2.0}
"""Fifteen times slower is over the limit of a Pod in these tests."""

QUICK = {"first_token_ms": 20.0}
PIECE = b" " * (1 << 18)
MOST_PIECES = 400
"""A hundred megabytes: far more than sockets hold."""

FAULTS: dict[str, tuple[Callable[[FakeProvider], None], R, int, int]] = {
    "fifteen times slower": (
        lambda fake: fake.play({"scenario": "slow15x", "params": NORMAL}),
        R.SlowFirstToken,
        1,
        10,
    ),
    "one in three streams cut": (
        lambda fake: fake.play(
            {
                "script": [{"scenario": "ok", "requests": 2}, {"scenario": "cut", "requests": 1}],
                "repeat": True,
            }
        ),
        R.TruncatedStream,
        3,
        10,
    ),
    "200 and empty content": (lambda fake: fake.set("empty_content"), R.EmptyAnswer, 1, 0),
    "200 and no body": (lambda fake: fake.set("empty_200"), R.EmptyAnswer, 1, 0),
    "another model": (lambda fake: fake.set("ok", answers_as="deepseek-v3.2"), R.WrongModel, 1, 100),
    "a stream in one piece": (lambda fake: fake.set("buffered"), R.BufferedStream, 1, 50),
    "out of balance": (lambda fake: fake.set("insufficient_balance"), R.BalanceExhausted, 1, 0),
    "a refused key": (lambda fake: fake.set("auth"), R.CredentialsRejected, 1, 0),
    "slow tokens": (lambda fake: fake.set("ok", token_interval_ms=30.0, tokens=20), R.SlowTokens, 1, 10),
    "busy in a 200": (lambda fake: fake.set("busy200", as_event=True), R.Busy, 1, 100),
    "errors": (lambda fake: fake.set("error502"), R.ServerError, 1, 100),
    "out of machines": (lambda fake: fake.set("insufficient_system_resource"), R.TruncatedStream, 1, 10),
    "an event that is no JSON": (lambda fake: fake.set("invalid_chunk"), R.InvalidAnswer, 1, 0),
    "no such model": (lambda fake: fake.set("model_missing"), R.ModelMissing, 1, 100),
    "closed at once": (lambda fake: fake.set("close_on_accept"), R.NoAnswer, 1, 0),
    "refused": (lambda fake: fake.set("refuse"), R.ConnectFailed, 1, 0),
}


@pytest.mark.timing
@pytest.mark.parametrize("name", FAULTS)
def test_found_within_two_runs(name: str, tmp_path: Path) -> None:
    play, want, requests, want_percent = FAULTS[name]
    with FakeProvider("official", keys=["sk-canary"]) as fake:
        pod = Pod(tmp_path, [endpoint(fake, key=True)], requests_per_run=requests, keys={"official": "sk-canary"})
        play(fake)
        said = probe_status(pod.one(), pod.one())

    assert (said.reason, said.weight_percent) == (want, want_percent)


@pytest.mark.parametrize(
    ("scenario", "want"),
    [
        ("keepalive_forever", R.KeepAliveOnly),
        ("role_only_forever", R.KeepAliveOnly),
        ("hang_before_headers", R.NoAnswer),
    ],
)
@pytest.mark.slow
def test_an_answer_that_never_comes_is_not_waited_for_for_ever(scenario: str, want: R, tmp_path: Path) -> None:
    with FakeProvider("official") as fake:
        fake.set(scenario)
        found = Pod(tmp_path, [endpoint(fake)]).one()

    assert (found.why, found.bad) == (want, 1)


def test_a_good_endpoint_is_good_and_measured(tmp_path: Path) -> None:
    with FakeProvider("official", params={**NORMAL, "first_token_ms": 30.0}) as fake:
        found = Pod(tmp_path, [endpoint(fake)], requests_per_run=3).one()

    assert (found.why, found.asked) == ("", 3)
    assert found.phases is not None
    assert found.phases.dns is not None
    assert found.phases.first is not None
    assert found.phases.first >= 30
    assert (found.phases.addresses, found.phases.finish, found.phases.status) == (1, "stop", 200)
    assert (found.phases.completion, found.phases.tls) == (40, None)


def test_how_long_it_was_kept_alive_is_measured(tmp_path: Path) -> None:
    with FakeProvider("official") as fake:
        fake.set("keepalive_then_ok", keepalive_ms=150.0, keepalive_interval_ms=20.0)
        found = Pod(tmp_path, [endpoint(fake)], first_token_ms=2000).one()

    assert found.phases is not None
    assert found.phases.alive is not None and found.phases.first is not None
    assert (found.why, found.phases.first - found.phases.alive >= 100) == ("", True)


def certificates() -> Mapping[str, tuple[tls.Certificate, str, bool, R | None]]:
    ours = tls.shared_authority()
    return {
        "good": (ours.issue("provider.example"), "provider.example", True, None),
        "ends in three days": (
            ours.issue("provider.example", old_and_left_days=3), "provider.example", True, R.CertificateExpiring,
        ),
        "ends in a month": (ours.issue("provider.example", old_and_left_days=30), "provider.example", True, None),
        "has ended": (ours.issue("provider.example", expired=True), "provider.example", True, R.CertificateInvalid),
        "for another name": (ours.issue("other.example"), "provider.example", True, R.CertificateInvalid),
        "by an unknown authority": (ours.issue("provider.example"), "provider.example", False, R.CertificateInvalid),
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["good", "ends in three days", "ends in a month", "has ended", "for another name", "by an unknown authority"],
)
def test_a_certificate_is_reported_at_once(name: str, tmp_path: Path) -> None:
    certificate, server_name, is_trusted, want = certificates()[name]
    with FakeProvider("official", certificate=certificate) as fake:
        way = Tls(server_name=server_name, ca_file="ca.crt" if is_trusted else None)
        pod = Pod(tmp_path, [endpoint(fake, tls=way)], authority=tls.shared_authority().certificate.cert)
        found = pod.one()

    assert probe_status(found).reason == want
    assert found.why == (want.value if want else "")
    assert found.phases is not None
    if want is R.CertificateInvalid:
        assert found.phases.certificate_ends is None
    else:
        assert found.phases.certificate_ends == f"{ends_of(certificate):%Y-%m-%dT%H:%MZ}"


def ends_of(certificate: tls.Certificate) -> datetime:
    command = ["openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", str(certificate.cert)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return datetime.fromisoformat(shown.strip().removeprefix("notAfter="))


def test_a_server_that_speaks_no_tls(tmp_path: Path) -> None:
    with FakeProvider("official") as fake:
        found = Pod(tmp_path, [endpoint(fake, tls=Tls(server_name="provider.example"))]).one()

    assert found.why == R.TlsFailed


def test_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    with FakeProvider("official") as fake:
        found = Pod(tmp_path, [endpoint(fake, host="no-such-host.invalid")]).one()

    assert found.why == R.DnsFailed
    assert fake.url


def test_in_a_cluster_loopback_is_not_reached_whatever_a_name_says(tmp_path: Path) -> None:
    with FakeProvider("official") as fake:
        found = Pod(tmp_path, [endpoint(fake, host="localhost")], allow_loopback=False).one()

        assert found.why == R.AddressRefused
        assert fake.log() == []


@pytest.mark.parametrize(("kind", "want"), [(EVENT_STREAM, R.InvalidAnswer), (JSON, R.InvalidAnswer)])
def test_what_no_parser_takes_spoils_nobody_else_s_result(kind: str, want: R, tmp_path: Path) -> None:
    deep = b"[" * 100_000
    body = b"data: " + deep + b"\n\n" if kind == EVENT_STREAM else deep
    with FakeProvider("good", params=QUICK) as good, Player(lambda: iter([whole(kind, body)])) as hostile:
        odd = endpoint(good, key=True).model_copy(update={"name": "odd", "port": hostile.port})
        found = Pod(tmp_path, [endpoint(good), odd], keys={"good": "sk-x"}, min_tokens_per_second=0).run().endpoints

    assert hostile.asked > 1, "its balance page, too"
    assert {one.name: one.why for one in found} == {"good": "", "odd": want}


def test_no_page_is_read_for_ever(tmp_path: Path) -> None:
    """The prober has little memory, and one endpoint that fills it would end the run of all."""
    sent: list[int] = []

    def floods() -> Steps:
        yield until_closed(JSON)
        for _ in range(MOST_PIECES):
            yield PIECE
            sent.append(len(PIECE))

    with FakeProvider("good") as good, Player(floods) as hostile:
        odd = endpoint(good, key=True).model_copy(update={"name": "odd", "port": hostile.port})
        found = Pod(tmp_path, [odd], keys={"good": "sk-x"}).one()

    assert hostile.asked > 1, "its balance page, too"
    assert found.why
    assert sum(sent) < 32 << 20
