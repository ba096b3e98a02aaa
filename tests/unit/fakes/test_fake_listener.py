"""Connections: refused, closed, encrypted; and the program as a process."""

import ssl
import subprocess
import sys

import pytest

from testing.fakes import tls
from testing.fakes.harness import SOURCES, FakeProvider
from testing.fakes.rawhttp import End, connect, exchange, receive, request

CHAT = "/v1/chat/completions"
ASK: dict[str, object] = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**ASK, "stream": True}


class TestRefuse:
    def test_takes_effect_at_once_and_the_port_comes_back(self) -> None:
        with FakeProvider() as fake:
            for _ in range(20):
                fake.set("refuse")
                with pytest.raises(ConnectionRefusedError):
                    connect(fake.port)
                fake.set("ok")
                assert exchange(fake.port, CHAT, ASK).status == 200

    def test_ends_idle_connections_and_lets_busy_ones_finish(self) -> None:
        with (
            FakeProvider(params={"token_interval_ms": 20}) as fake,
            connect(fake.port) as idle,
            connect(fake.port) as busy,
        ):
            idle.sendall(request("/models"))
            receive(idle, enough=b"]}")
            busy.sendall(request(CHAT, STREAM))
            fake.wait_for(lambda _: fake.stats().in_flight == 1)
            fake.set("refuse")
            assert receive(idle).end is End.EOF
            assert receive(busy, enough=b"0\r\n\r\n").terminated

    def test_drop_resets_the_busy_ones(self) -> None:
        with FakeProvider(scenario="stall") as fake, connect(fake.port) as busy:
            busy.sendall(request(CHAT, STREAM))
            fake.wait_for(lambda _: fake.stats().in_flight == 1)
            fake.set("refuse", drop=True)
            assert receive(busy).end is End.RESET
            assert fake.log()[0].outcome == "reset_by_fake"

    def test_a_timeline_opens_again_by_itself(self) -> None:
        with FakeProvider() as fake:
            fake.play({"timeline": [{"scenario": "refuse", "for_ms": 60}, {"scenario": "ok"}]})
            with pytest.raises(ConnectionRefusedError):
                connect(fake.port)
            fake.wait_for(lambda _: reachable(fake.port))

    def test_set_over_the_main_port_is_answered_and_can_be_taken_back(self) -> None:
        with FakeProvider() as fake, connect(fake.port) as sock:
            sock.sendall(request("/_fake/scenario", {"scenario": "refuse", "params": {"drop": True}}, method="PUT"))
            assert receive(sock, enough=b'"current":"refuse"').status == 200
            assert not reachable(fake.port)
            sock.sendall(request("/_fake/reset", method="POST"))
            assert receive(sock, enough=b"{}").status == 200
            assert reachable(fake.port)

    def test_can_be_the_first_thing_played(self) -> None:
        with FakeProvider(scenario="refuse") as fake, pytest.raises(ConnectionRefusedError):
            connect(fake.port)


def reachable(port: int) -> bool:
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return False
    return True


def test_close_on_accept_sends_nothing() -> None:
    with FakeProvider(scenario="close_on_accept") as fake, connect(fake.port) as sock:
        got = receive(sock)
        assert (got.raw, got.end) == (b"", End.EOF)


class TestTls:
    def test_serves_the_names_of_its_certificate_and_logs_the_one_asked_for(self) -> None:
        with FakeProvider(tls_names=["api.test", "127.0.0.1"]) as fake:
            context = ssl.create_default_context(cafile=str(fake.ca_file))
            with connect(fake.port, context, "api.test") as sock:
                sock.sendall(request(CHAT, STREAM))
                assert receive(sock, enough=b"0\r\n\r\n").terminated
            with pytest.raises(ssl.SSLCertVerificationError), connect(fake.port, context, "other.test"):
                pass
            assert (fake.url.partition(":")[0], fake.log()[0].sni) == ("https", "api.test")

    @pytest.mark.parametrize(
        ("scenario", "want", "want_outcome"),
        # Some versions of Python report a RST under TLS as a ragged end.
        [("reset", {End.RESET, End.EOF}, "reset_by_fake"), ("stall", {End.OPEN}, "client_closed")],
    )
    def test_faults_work_as_without(self, scenario: str, want: set[End], want_outcome: str) -> None:
        """The chunks before a reset arrive only if none of them waits for an ACK of the one before (Nagle)."""
        with FakeProvider(tls_names=["127.0.0.1"], scenario=scenario) as fake:
            context = ssl.create_default_context(cafile=str(fake.ca_file))
            with connect(fake.port, context) as sock:
                sock.sendall(request(CHAT, STREAM))
                got = receive(sock, silence_s=0.2)
                assert (got.end in want, len(got.events)) == (True, 4)
            [seen] = fake.wait_idle()
            assert (seen.chunks, seen.outcome) == (3, want_outcome)

    def test_an_expired_certificate_does_not_verify(self) -> None:
        authority = tls.shared_authority()
        with FakeProvider(certificate=authority.issue("127.0.0.1", expired=True)) as fake:
            context = ssl.create_default_context(cafile=str(authority.certificate.cert))
            with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
                connect(fake.port, context)


class TestProcess:
    def test_says_ready_serves_and_ends_on_sigterm(self) -> None:
        command = [sys.executable, "-m", "testing.fakes.deepseek", "--listen", "127.0.0.1:0", "--key", "sk-a"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(SOURCES)}) as process:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("ready http://127.0.0.1:")
            assert exchange(int(ready.rpartition(":")[2]), "/health").status == 200
            process.terminate()
            assert process.wait(10) == 0

    def test_the_harness_can_run_it(self) -> None:
        with FakeProvider(process=True) as fake:
            assert exchange(fake.port, CHAT, ASK).status == 200
            assert fake.stats().total == 1

    @pytest.mark.parametrize(
        ("arguments", "want"),
        [
            (["--scenario", "cat"], "unknown scenario 'cat', known: "),
            (["--param", "token=1"], "--param: unknown 'token', known: "),
            (["--listen", "here"], "address 'here', wanted HOST:PORT"),
        ],
    )
    def test_bad_arguments_are_explained(self, arguments: list[str], want: str) -> None:
        command = [sys.executable, "-m", "testing.fakes.deepseek", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(SOURCES)}, check=False)
        assert done.returncode != 0
        assert want in done.stderr

    def test_help_teaches_scenarios_parameters_and_the_control_api(self) -> None:
        command = [sys.executable, "-m", "testing.fakes.deepseek", "--help"]
        done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(SOURCES)}, check=True)
        for words in ("keepalive_forever", "first_token_ms=1.0", "PUT  /_fake/scenario", "curl -N"):
            assert words in done.stdout
