"""No byte is mistaken for progress: a provider that does anything but say something is left at its deadline."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from itertools import repeat

import httpx
import pytest

from router.harness import STAYS_OPEN, Router, endpoint, events, eventually, policy, text_of, tls
from scrape import total
from testing.fakes.harness import FakeProvider
from testing.fakes.player import EVENT_STREAM, JSON, Player, Steps, chunk, chunked, head, until_closed, whole

BEAT_S = 0.05
FIRST_TOKEN_MS, INTER_TOKEN_MS = 400, 400
SHORT = policy(timeouts={"first_token_ms": FIRST_TOKEN_MS, "inter_token_ms": INTER_TOKEN_MS, "connect_ms": 400})
LATE_S = 5.0
"""Far more than any limit here, far less than for ever."""
FLOOD = b"\n" * 65536


def event(**delta: str) -> bytes:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': None}]})}\n\n".encode()


def slowly(text: bytes) -> Steps:
    for byte in text:
        yield bytes([byte])
        yield BEAT_S


def forever(beat: bytes, pause_s: float = BEAT_S) -> Steps:
    for each in repeat(beat):
        yield each
        if pause_s:
            yield pause_s


def head_by_bytes() -> Steps:
    yield from slowly(head(JSON, *(f"x-{number}: long" for number in range(100))))


def interim_answers() -> Steps:
    yield from forever(b"HTTP/1.1 102 Processing\r\n\r\n")


def flood_of_interim_answers() -> Steps:
    yield from forever(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2000, 0)


def event_by_bytes() -> Steps:
    yield until_closed(EVENT_STREAM)
    yield from slowly(event(content="x" * 400))


def event_by_chunks_of_a_byte() -> Steps:
    yield chunked(EVENT_STREAM)
    for byte in event(content="x" * 400):
        yield chunk(bytes([byte]))
        yield BEAT_S


def chunk_size_by_digits() -> Steps:
    yield chunked(EVENT_STREAM)
    yield from forever(b"0")


def chunk_extension() -> Steps:
    yield chunked(EVENT_STREAM) + b"5;x="
    yield from forever(b"y")


def keep_alives() -> Steps:
    yield until_closed(EVENT_STREAM)
    yield from forever(b": keep-alive\n\n")


def flood_of_keep_alives() -> Steps:
    yield until_closed(EVENT_STREAM)
    yield from forever(b": keep-alive\n\n" * 5000, 0)


def flood_of_empty_deltas() -> Steps:
    yield until_closed(EVENT_STREAM)
    yield from forever(event(content="") * 500, 0)


def line_without_end() -> Steps:
    yield until_closed(EVENT_STREAM)
    yield from forever(b"x" * 65536, 0)


def blanks() -> Steps:
    yield chunked(JSON)
    yield from forever(chunk(b"\n"))


def flood_of_blanks() -> Steps:
    yield until_closed(JSON)
    yield from forever(FLOOD, 0)


def blanks_after_the_start() -> Steps:
    yield until_closed(JSON)
    yield b'{"choices":'
    yield from forever(b" ")


def flood_of_blanks_after_the_start() -> Steps:
    yield until_closed(JSON)
    yield b'{"choices":'
    yield from forever(FLOOD, 0)


def trailers() -> Steps:
    yield chunked(EVENT_STREAM) + b"0\r\n"
    yield from forever(b"x-trailer: more\r\n")


def refusal_by_bytes() -> Steps:
    yield b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 5000\r\n\r\n"
    yield from forever(b" ")


STREAMS = [
    head_by_bytes, interim_answers, flood_of_interim_answers, event_by_bytes, event_by_chunks_of_a_byte,
    chunk_size_by_digits, chunk_extension, keep_alives, flood_of_keep_alives, flood_of_empty_deltas, line_without_end,
    trailers, refusal_by_bytes,
]  # fmt: skip
WHOLE = [
    flood_of_interim_answers, flood_of_blanks, blanks_after_the_start, flood_of_blanks_after_the_start,
    refusal_by_bytes,
]  # fmt: skip


@pytest.mark.parametrize(
    ("program", "stream"),
    [(program, True) for program in STREAMS] + [(program, False) for program in WHOLE],
    ids=lambda value: value.__name__ if callable(value) else "stream" if value else "whole",
)
def test_who_says_nothing_is_left(router: Router, a: FakeProvider, program: Callable[[], Steps], stream: bool) -> None:
    with Player(program) as provider:
        router.serve(endpoint("mute", port=provider.port), endpoint("a", a, tier=1), policy=SHORT)
        started_s = time.monotonic()

        answer = router.ask(stream=stream)

        assert answer.headers["x-poolkeeper-endpoint"] == "a"
        assert time.monotonic() - started_s < LATE_S
        assert provider.asked == (2 if program is refusal_by_bytes else 1)  # one 5xx is tried again where it came from
    assert router.endpoint("mute").breaker == "Closed"


def silence() -> Steps:
    yield from forever(b"")


def silence_after_the_head() -> Steps:
    yield chunked(JSON)
    yield from forever(b"")


def for_a_while(program: Callable[[], Steps], times: int) -> Steps:
    for step, _ in zip(program(), range(2 * times), strict=False):
        yield step


ANSWER = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}]}


@pytest.mark.parametrize("program", [silence, interim_answers, silence_after_the_head, blanks])
def test_a_whole_answer_may_take_as_long_as_the_request(
    router: Router, a: FakeProvider, program: Callable[[], Steps]
) -> None:
    """Of a whole answer no first token can be seen: one that takes longer than firstToken is no slow one."""

    def at_last() -> Steps:
        yield from for_a_while(program, round(3 * FIRST_TOKEN_MS / 1_000 / BEAT_S))
        body = json.dumps(ANSWER).encode()
        if program in (blanks, silence_after_the_head):
            yield chunk(body) + chunk(b"")
        else:
            yield whole(JSON, body)

    once = policy(
        timeouts={"first_token_ms": FIRST_TOKEN_MS, "inter_token_ms": INTER_TOKEN_MS},
        circuit_breaker={"consecutive_failures": 1},
    )
    with Player(at_last) as provider:
        router.serve(endpoint("slow", port=provider.port), endpoint("a", a, tier=1), policy=once)

        answer = router.ask()

        assert answer.status_code == 200, answer.text
        assert answer.headers["x-poolkeeper-endpoint"] == "slow"
        assert answer.json() == ANSWER
        assert provider.asked == 1
    slow = router.endpoint("slow")
    assert (slow.breaker, slow.last_error) == ("Closed", None)
    assert a.requests() == []


def test_whole_answers_that_take_long_cost_an_endpoint_no_weight(router: Router, a: FakeProvider) -> None:
    a.set("ok", first_token_ms=600)
    router.serve(endpoint("a", a, base_latency_ms=100), policy=SHORT)

    for _ in range(3):
        assert router.ask().status_code == 200

    assert router.endpoint("a").weight == pytest.approx(100, rel=0.2)
    assert total(router.metrics(), "gen_ai_server_time_to_first_token_seconds_count") == 0


@pytest.mark.parametrize("program", [silence, interim_answers, silence_after_the_head, blanks, head_by_bytes])
def test_who_never_gives_a_whole_answer_is_left_at_the_end_of_the_request(
    router: Router, program: Callable[[], Steps]
) -> None:
    short = policy(
        timeouts={"first_token_ms": 100, "inter_token_ms": INTER_TOKEN_MS, "request_ms": 600},
        circuit_breaker={"consecutive_failures": 1, **STAYS_OPEN},
    )
    with Player(program) as provider:
        router.serve(endpoint("mute", port=provider.port), policy=short)
        started_s = time.monotonic()

        answer = router.ask()

        assert answer.status_code == 504
        assert 0.5 <= time.monotonic() - started_s < LATE_S
    mute = router.endpoint("mute")
    assert mute.breaker == "Open"
    assert mute.last_error is not None
    assert mute.last_error.class_ == "SlowFirstToken"


@pytest.mark.parametrize("program", [silence, interim_answers, silence_after_the_head, blanks])
def test_who_never_gives_a_whole_answer_leaves_half_of_the_time_to_another(
    router: Router, a: FakeProvider, program: Callable[[], Steps]
) -> None:
    short = policy(
        timeouts={"first_token_ms": 100, "inter_token_ms": INTER_TOKEN_MS, "request_ms": 2_000},
        circuit_breaker={"consecutive_failures": 1, **STAYS_OPEN},
    )
    with Player(program) as provider:
        router.serve(endpoint("mute", port=provider.port), endpoint("a", a, tier=1), policy=short)

        answer = router.ask()

        assert answer.status_code == 200
        assert answer.headers["x-poolkeeper-endpoint"] == "a"
    mute = router.endpoint("mute")
    assert mute.breaker == "Open"
    assert mute.last_error is not None
    assert mute.last_error.class_ == "SlowFirstToken"


def test_whole_answers_that_take_long_close_a_breaker(router: Router, a: FakeProvider) -> None:
    """A half-open request lasts as long as its answer may take."""
    patient = policy(
        timeouts={"first_token_ms": 100, "connect_ms": 100},
        circuit_breaker={"consecutive_failures": 1, "half_open_max_requests": 1},
    )
    a.set("error500")
    router.serve(endpoint("a", a), policy=patient)
    router.ask()
    assert router.endpoint("a").breaker == "Open"
    a.set("ok", first_token_ms=500)

    eventually(lambda: router.ask().status_code == 200, "a half-open request is answered")

    assert router.endpoint("a").breaker == "Closed"


@pytest.mark.parametrize("beat", [b": keep-alive\n\n", event(content=""), event(role="assistant"), b"\n"])
@pytest.mark.parametrize("pause_s", [BEAT_S, 0], ids=["paced", "flood"])
def test_a_stream_that_goes_on_without_content_is_left(router: Router, beat: bytes, pause_s: float) -> None:
    def goes_on() -> Steps:
        yield until_closed(EVENT_STREAM)
        yield event(content="Once ")
        yield from forever(beat if pause_s else beat * 1000, pause_s)

    with Player(goes_on) as provider:
        router.serve(endpoint("mute", port=provider.port), policy=SHORT)
        started_s = time.monotonic()
        with pytest.raises(httpx.RemoteProtocolError), router.stream() as answer:
            for _ in answer.iter_bytes():
                pass

    assert time.monotonic() - started_s < LATE_S
    last_error = router.endpoint("mute").last_error
    assert last_error is not None
    assert last_error.class_ == "Stalled"


def test_long_thoughts_are_no_silence(router: Router) -> None:
    """Many times firstToken and interToken pass before the first word of the answer itself."""

    def thinks() -> Steps:
        yield until_closed(EVENT_STREAM)
        for _ in range(40):
            yield event(reasoning_content="Hm. ")
            yield BEAT_S
        yield event(content="Yes.")
        yield b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

    with Player(thinks) as provider:
        router.serve(endpoint("thinker", port=provider.port), policy=SHORT)

        answer = router.ask(stream=True)

    assert events(answer.text)[-1] == "[DONE]"
    assert text_of(answer.text) == "Hm. " * 40 + "Yes."


def test_the_request_has_an_end_whatever_is_said(router: Router) -> None:
    def talks() -> Steps:
        yield until_closed(EVENT_STREAM)
        yield from forever(event(content="bla "))

    short = policy(timeouts={"first_token_ms": FIRST_TOKEN_MS, "inter_token_ms": INTER_TOKEN_MS, "request_ms": 1_000})
    with Player(talks) as provider:
        router.serve(endpoint("talker", port=provider.port), policy=short)
        started_s = time.monotonic()
        with pytest.raises(httpx.RemoteProtocolError), router.stream() as answer:
            for _ in answer.iter_bytes():
                pass

    assert 0.9 <= time.monotonic() - started_s < LATE_S


# --- before the answer


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port that accepts and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        yield listener.getsockname()[1]


def test_a_handshake_that_never_ends_is_a_failed_connection(router: Router, a: FakeProvider, deaf: int) -> None:
    router.serve(endpoint("deaf", None, port=deaf, **tls("localhost")), endpoint("a", a, tier=1), policy=SHORT)

    assert router.ask().headers["x-poolkeeper-endpoint"] == "a"
    last_error = router.endpoint("deaf").last_error
    assert last_error is not None
    assert last_error.class_ == "Connect"


def test_connecting_and_the_handshake_have_one_limit(router: Router, a: FakeProvider, deaf: int) -> None:
    patient = policy(timeouts={"connect_ms": 2_000})
    router.serve(endpoint("deaf", None, port=deaf, **tls("localhost")), endpoint("a", a, tier=1), policy=patient)
    started_s = time.monotonic()

    router.ask()

    assert time.monotonic() - started_s < 2 * 2.0


def test_who_does_not_read_the_request_is_left(router: Router, a: FakeProvider, deaf: int) -> None:
    router.serve(endpoint("deaf", port=deaf), endpoint("a", a, tier=1), policy=SHORT)
    started_s = time.monotonic()

    answer = router.ask(padding="x" * 8_000_000)

    assert answer.headers["x-poolkeeper-endpoint"] == "a"
    assert time.monotonic() - started_s < LATE_S


def test_who_reads_the_request_by_crumbs_is_left(router: Router, a: FakeProvider) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def nibble() -> None:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(65536):
                time.sleep(BEAT_S)

    threading.Thread(target=nibble, daemon=True).start()
    with listener:
        router.serve(endpoint("nibbler", port=listener.getsockname()[1]), endpoint("a", a, tier=1), policy=SHORT)
        started_s = time.monotonic()

        answer = router.ask(padding="x" * 15_000_000)

    assert answer.headers["x-poolkeeper-endpoint"] == "a"
    assert time.monotonic() - started_s < LATE_S
    last_error = router.endpoint("nibbler").last_error
    assert last_error is not None
    assert last_error.class_ == "SlowFirstToken"


# --- whose fault it is


def test_an_endpoint_that_had_the_whole_request_for_itself_is_to_blame(router: Router, a: FakeProvider) -> None:
    """Else one that hangs would never open where requests are given less time than first tokens."""
    a.set("hang_before_headers")
    short = policy(timeouts={"first_token_ms": 10_000, "request_ms": 300}, circuit_breaker=STAYS_OPEN)
    router.serve(endpoint("a", a), policy=short)

    statuses = [router.ask().status_code for _ in range(4)]

    assert statuses == [504, 504, 504, 503]
    assert router.endpoint("a").breaker == "Open"
