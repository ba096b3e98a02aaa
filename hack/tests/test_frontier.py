"""The load that waits for no answer, and what its rounds say."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hack.bench.speed.baselines import DIRECT, OURS
from hack.bench.speed.cases import PACED, TINY
from hack.bench.speed.frontier import Able, Frontier, Memory, Step
from hack.bench.speed.frontier_page import is_held, sections, slope_mib_a_minute, within
from hack.bench.speed.measured import Measured
from hack.bench.speed.open_loop import Seen, Spread, at_rate, held, seen_of
from hack.bench.speed.workers import Round, Workers, locks_of, section

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FEW = 16
NONE = Spread(0, 0, 0, 0)
Answer = Callable[[socket.socket], None]


@contextmanager
def a_server(answer: Answer) -> Iterator[Measured]:
    """Each connection has a thread; a request is whatever comes at once."""

    def serve(conn: socket.socket) -> None:
        with conn, suppress(OSError):
            while conn.recv(65536):
                answer(conn)

    def accept() -> None:
        while True:
            try:
                conn = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=serve, args=(conn,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield Measured("server", "", f"http://127.0.0.1:{listener.getsockname()[1]}/v1", 0)
        listener.shutdown(socket.SHUT_RDWR)


def seen(p99_ms: float = 1.0, errors: int = 0, answered: int = 10, begun: int = 10, gap_ms: float = 100.0) -> Seen:
    latency = Spread(100, 200, p99_ms * 1000, p99_ms * 2000)
    return Seen(10, answered, errors, begun, latency, latency, Spread(*[gap_ms * 1000] * 4), NONE)


def test_each_planned_request_is_sent_and_answered(tmp_path: Path) -> None:
    with a_server(lambda conn: conn.sendall(OK)) as server:
        found = at_rate(server, TINY, 200, 0.5, tmp_path, None, FEW)

    assert found.planned > 50
    assert (found.answered, found.errors) == (found.planned, 0)


def test_a_latency_counts_from_the_planned_time_though_all_others_wait(tmp_path: Path) -> None:
    """One that answers a request at a time, each after 20 ms, is asked 200 times a second: the last ones wait for most
    of a second. Measured from the sending, with one request under way, each would seem to take 20 ms."""
    turn = threading.Lock()

    def slowly(conn: socket.socket) -> None:
        with turn:
            time.sleep(0.02)
        conn.sendall(OK)

    with a_server(slowly) as server:
        found = at_rate(server, TINY, 200, 0.5, tmp_path, None, FEW)

    assert found.latency.p99 > 10 * 20_000


@pytest.mark.parametrize("head", [b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n{}", OK[:-1]])
def test_refusals_and_cut_answers_are_errors(tmp_path: Path, head: bytes) -> None:
    def refuse(conn: socket.socket) -> None:
        conn.sendall(head)
        conn.shutdown(socket.SHUT_RDWR)

    with a_server(refuse) as server:
        found = at_rate(server, TINY, 50, 0.2, tmp_path, None, FEW)

    assert found.errors > 0


def test_gaps_of_a_stream_are_between_arrivals(tmp_path: Path) -> None:
    def stream(conn: socket.socket) -> None:
        conn.sendall(STREAM + b"8\r\n word1 x\r\n")
        for _ in range(3):
            time.sleep(0.05)
            conn.sendall(b"2\r\nab\r\n")
        conn.sendall(b"0\r\n\r\n")

    with a_server(stream) as server:
        found = held(server, PACED, 3, 2, tmp_path, None)

    assert (found.begun, found.answered, found.errors) == (3, 3, 0)
    assert found.gap.most >= 50_000


def test_a_silent_stream_is_a_long_gap(tmp_path: Path) -> None:
    with a_server(lambda conn: conn.sendall(STREAM + b"8\r\n word1 x\r\n")) as server:
        found = held(server, PACED, 2, 1.5, tmp_path, None)

    assert (found.begun, found.answered) == (2, 0)
    assert found.gap.p50 > 400_000


def test_a_rate_counts_where_all_was_answered_within_the_bound() -> None:
    steps = [Step(100, seen(1)), Step(200, seen(4)), Step(300, seen(4, errors=1)), Step(400, seen(4, answered=9))]

    assert [within(steps, bound) for bound in (0.5, 1, 5, 50)] == [0, 100, 200, 200]


def test_streams_are_held_where_all_begin_and_none_stalls() -> None:
    assert is_held(seen(), 10)
    assert not is_held(seen(begun=9), 10)
    assert not is_held(seen(gap_ms=201), 10)
    assert not is_held(seen(errors=1), 10)


def test_the_slope_is_of_the_steady_part() -> None:
    memory = Memory(0, [(10, 1024), (20, 9 * 1024), (30, 10 * 1024), (40, 11 * 1024)], 0)

    assert slope_mib_a_minute(memory) == pytest.approx(6.0)
    assert slope_mib_a_minute(Memory(0, [(10, 1024)], 0)) == 0.0


def test_the_page_names_each_gateway_and_the_spread_of_its_rounds() -> None:
    sweeps = {OURS: [[Step(100, seen(1))], [Step(300, seen(1))], [Step(200, seen(1))]], DIRECT: [[Step(9, seen(60))]]}
    streams = {OURS: {1000: [seen(begun=1000)] * 3, 4000: [seen(begun=4000)] * 2}, DIRECT: {1000: [seen(begun=0)]}}
    text = "\n".join(
        sections(Frontier({OURS: "2", DIRECT: "-"}, sweeps, streams, {OURS: Memory(1024, [(5, 2048)], 1024)}))
    )

    assert f"| {OURS} | 200 (100–300) |" in text
    assert f"| {DIRECT} | 0 (0–0) |" in text
    assert f"| {DIRECT} | – | – | – | – | – | fewer than 1,000 |" in text
    assert "100.0 (100.0–100.0) | 4,000 |" in text
    assert f"| {OURS} | 1 | 2 | 1 | +0.00 | 5 |" in text


def test_a_gateway_that_fails_is_left_out_of_the_rest_and_ends_nobodys_run() -> None:
    one = Measured("", "", "", 0)
    able = Able({"a": one, "b": one})

    for name, _ in able.each():
        with able.trying(name):
            if name == "a":
                raise RuntimeError("it answered no request")

    assert able.each() == [("b", one)]


def test_what_is_printed_is_read() -> None:
    found = seen_of("[5,4,1,3,[1,2,3,4],[5,6,7,8],[9,10,11,12],[13,14,15,16]]")

    assert (found.planned, found.answered, found.errors, found.begun) == (5, 4, 1, 3)
    assert (found.latency.p99, found.first.most, found.gap.p50, found.late.p90) == (3, 8, 9, 14)


def test_locks_are_found_among_symbols() -> None:
    report = "    1.50%  [.] ngx_shmtx_lock\n    0.50%  [k] native_queued_spin_lock_slowpath\n   90.00%  [k] tcp_ack\n"

    assert locks_of(report) == 2.0


def test_workers_are_compared_by_what_a_request_costs() -> None:
    text = section([Workers(1, [Round(100, 50, 1.0)], None), Workers(2, [Round(150, 55, 0.4)], 0.25)])

    assert "| 1 | 100 | 50.0 | 1.00 | 100% of 100% | not seen |" in text
    assert "| 2 | 150 | 55.0 | 1.10 | 40% of 50% | 0.2 % |" in text
