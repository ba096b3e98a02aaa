"""What the fake saw: exact counts, exact keys, and clients that left."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from testing.fakes.deepseek.log import Outcome
from testing.fakes.harness import FakeProvider
from testing.fakes.rawhttp import End, connect, exchange, receive, request

CHAT = "/v1/chat/completions"
ASK: dict[str, object] = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**ASK, "stream": True}


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as started:
        yield started


def open_streams(fake: FakeProvider, count: int) -> list[socket.socket]:
    """So many requests, each seen by the provider."""
    before = fake.stats().in_flight
    sockets = []
    for _ in range(count):
        sock = connect(fake.port)
        sock.sendall(request(CHAT, STREAM))
        sockets.append(sock)
    wait_in_flight(fake, before + count)
    return sockets


def wait_in_flight(fake: FakeProvider, wanted: int) -> None:
    fake.wait_for(lambda _: fake.stats().in_flight == wanted)


class TestInFlight:
    def test_counts_up_and_down_exactly(self, fake: FakeProvider) -> None:
        fake.set("stall")
        sockets = open_streams(fake, 7)
        for left, sock in zip(range(6, -1, -1), sockets, strict=True):
            sock.close()
            wait_in_flight(fake, left)
        stats = fake.stats()
        assert (stats.total, stats.max_in_flight, stats.in_flight) == (7, 7, 0)
        assert sorted(entry.in_flight for entry in fake.log()) == [1, 2, 3, 4, 5, 6, 7]

    @pytest.mark.parametrize("workers", [1, 8])
    def test_never_more_than_the_clients_that_wait_for_each_answer(self, fake: FakeProvider, workers: int) -> None:
        fake.set("ok", first_token_ms=0, token_interval_ms=0)
        together = threading.Barrier(workers)

        def work(_: int) -> None:
            together.wait()
            with connect(fake.port) as sock:
                for _ in range(25):
                    sock.sendall(request(CHAT, STREAM))
                    receive(sock, enough=b"0\r\n\r\n")

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))
        stats = fake.stats()
        assert [
            entry for entry in fake.log() if entry.outcome is not Outcome.FINISHED or entry.in_flight > workers
        ] == []
        assert (stats.total, stats.by_outcome) == (workers * 25, {"finished": workers * 25})
        assert stats.max_in_flight <= workers

    def test_is_counted_from_the_head_not_the_body(self, fake: FakeProvider) -> None:
        with connect(fake.port) as sock:
            sock.sendall(request(CHAT, ASK)[:-5])
            wait_in_flight(fake, 1)
        assert fake.wait_idle()[0].outcome is Outcome.CLIENT_CLOSED

    def test_health_checks_do_not_count(self, fake: FakeProvider) -> None:
        for path in ("/models", "/user/balance", "/health"):
            exchange(fake.port, path)
        assert (fake.stats().total, fake.stats().max_in_flight) == (3, 0)
        assert (len(fake.checks()), fake.requests()) == (3, [])

    def test_reset_forgets_all_but_what_is_in_flight(self, fake: FakeProvider) -> None:
        fake.set("stall")
        first, second = open_streams(fake, 2)
        first.close()
        wait_in_flight(fake, 1)
        fake.reset()
        stats = fake.stats()
        assert (stats.total, stats.in_flight, stats.max_in_flight, fake.log()) == (0, 1, 1, [])
        second.close()
        wait_in_flight(fake, 0)
        assert fake.stats().by_outcome == {}


class TestClientsThatLeave:
    @pytest.mark.parametrize(
        ("scenario", "params"),
        [
            ("stall", {"after_chunks": 2}),
            ("keepalive_forever", {"keepalive_interval_ms": 60_000}),
            ("hang_before_headers", {}),
            ("slow_first_token", {"first_token_ms": 60_000}),
            ("slow_first_token", {"first_token_ms": 60_000, "early_headers": False}),
            ("no_done", {}),
            ("ok", {"token_interval_ms": 60_000}),
        ],
    )
    @pytest.mark.parametrize("how", ["close", "reset", "half-close"])
    def test_are_noticed_in_every_phase(
        self, fake: FakeProvider, scenario: str, params: dict[str, object], how: str
    ) -> None:
        fake.play({"scenario": scenario, "params": params})
        [sock] = open_streams(fake, 1)
        if how == "half-close":
            sock.shutdown(socket.SHUT_WR)
        elif how == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if how != "half-close":
            sock.close()
        assert fake.wait_idle()[0].outcome is Outcome.CLIENT_CLOSED
        sock.close()

    def test_the_log_says_at_which_chunk(self, fake: FakeProvider) -> None:
        fake.set("stall", after_chunks=4)
        exchange(fake.port, CHAT, STREAM, silence_s=0.1)
        assert fake.wait_idle()[0].chunks == 4

    def test_a_slow_reader_is_still_in_flight(self, fake: FakeProvider) -> None:
        """The end of a response is when the kernel has its last byte, not when the fake has written it."""
        fake.set("ok", tokens=40_000, token_interval_ms=0, first_token_ms=0)
        with connect(fake.port) as sock:
            sock.sendall(request(CHAT, STREAM))
            fake.wait_for(lambda entries: bool(entries) and entries[0].chunks == 40_000)
            assert fake.stats().in_flight == 1
            assert receive(sock, enough=b"0\r\n\r\n").terminated
        assert fake.wait_idle()[0].outcome is Outcome.FINISHED


class TestLimit:
    @pytest.mark.parametrize(("overload", "want"), [("rate_limit", 429), ("busy503", 503)])
    def test_one_more_is_refused(self, overload: str, want: int) -> None:
        with FakeProvider(max_inflight=2, overload=overload, scenario="stall") as fake:
            sockets = open_streams(fake, 2)
            got = exchange(fake.port, CHAT, ASK)
            assert got.status == want
            if want == 429:
                assert b"current concurrency is 3, which exceeds your concurrency limit of 2 based" in got.payload
            sockets[0].close()
            fake.wait_for(lambda _: fake.stats().slots_taken == 1)
            assert exchange(fake.port, CHAT, STREAM, silence_s=0.05).status == 200
            for sock in sockets:
                sock.close()

    def test_one_more_queues_under_keepalives_until_a_slot_is_free(self) -> None:
        with FakeProvider(max_inflight=1, overload="queue", scenario="stall") as fake:
            [busy] = open_streams(fake, 1)
            with connect(fake.port) as sock:
                sock.sendall(request(CHAT, STREAM))
                assert receive(sock, enough=b": keep-alive").status == 200
                assert (fake.stats().slots_taken, fake.stats().in_flight) == (1, 2)
                busy.close()
                assert b"[DONE]" in receive(sock, enough=b"0\r\n\r\n").raw

    def test_who_leaves_the_queue_takes_no_slot(self) -> None:
        with FakeProvider(max_inflight=1, overload="queue", scenario="stall") as fake:
            sockets = open_streams(fake, 3)
            for sock in sockets[1:]:
                sock.close()
            wait_in_flight(fake, 1)
            sockets[0].close()
            fake.wait_for(lambda _: fake.stats().slots_taken == 0)


class TestLog:
    def test_tells_the_exact_key_and_the_body(self, fake: FakeProvider) -> None:
        exchange(fake.port, CHAT, ASK, {"authorization": "Bearer sk-1", "x-request-id": "7"})
        [entry] = fake.log()
        assert (entry.key, entry.model, entry.stream, entry.scenario) == ("sk-1", "deepseek-flash", False, "ok")
        assert entry.headers["x-request-id"] == "7"
        assert entry.body is not None
        assert '"content": "hi"' in entry.body
        assert len(entry.body_sha256) == 64

    def test_since_leaves_out_what_was_read_before(self, fake: FakeProvider) -> None:
        for _ in range(3):
            exchange(fake.port, CHAT, ASK)
        seqs = [entry.seq for entry in fake.log()]
        assert [entry.seq for entry in fake.log(since=seqs[1])] == seqs[2:]

    def test_tells_which_requests_shared_a_connection(self, fake: FakeProvider) -> None:
        with connect(fake.port) as sock:
            for _ in range(2):
                sock.sendall(request(CHAT, STREAM))
                receive(sock, enough=b"0\r\n\r\n")
        exchange(fake.port, CHAT, ASK)
        first, second, third = fake.log()
        assert first.connection == second.connection != third.connection

    def test_bad_http_is_answered_and_logged(self, fake: FakeProvider) -> None:
        with connect(fake.port) as sock:
            sock.sendall(request(CHAT, None, {"content-length": "x"}, method="POST"))
            got = receive(sock)
        assert (got.status, got.end, fake.log()[0].scenario) == (400, End.EOF, "protocol_error")


class TestControl:
    def test_a_bad_plan_changes_nothing(self, fake: FakeProvider) -> None:
        fake.set("busy503")
        with pytest.raises(ValueError, match="unknown scenario 'cat'"):
            fake.set("cat")
        assert exchange(fake.port, CHAT, ASK).status == 503

    def test_is_on_the_main_port_too_and_not_in_the_log(self, fake: FakeProvider) -> None:
        got = exchange(fake.port, "/_fake/scenario", {"scenario": "busy503"}, {}, method="PUT")
        assert got.status == 200
        assert exchange(fake.port, CHAT, ASK).status == 503
        assert len(fake.log()) == 1

    def test_unknown_action_lists_the_known(self, fake: FakeProvider) -> None:
        got = exchange(fake.port, "/_fake/nothing")
        assert got.status == 404
        assert b"PUT /_fake/scenario" in got.payload

    def test_table_of_scenarios(self, fake: FakeProvider) -> None:
        assert b'"keepalive_forever":{"help":' in exchange(fake.port, "/_fake/scenarios").payload
