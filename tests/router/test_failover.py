"""Each class of failure, before anything was sent to the caller: the answer comes from the other endpoint."""

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from router.harness import Router, endpoint, events, policy, text_of
from testing.fakes.deepseek.log import Outcome
from testing.fakes.harness import FakeProvider
from testing.fakes.player import EVENT_STREAM, Player, Steps, until_closed, whole

CLASSES = {
    "refuse": "Connect",
    "close_on_accept": "Connect",
    "busy503": "Busy",
    "busy200": "Busy",
    "rate_limit": "RateLimited",
    "error500": "ServerError",
    "error502": "ServerError",
    "keepalive_forever": "SlowFirstToken",
    "role_only_forever": "SlowFirstToken",
    "hang_before_headers": "SlowFirstToken",
    "empty_200": "Truncated",
    "auth": "Credential",
    "insufficient_balance": "Credential",
    "model_missing": "ModelMissing",
}
SILENT = [scenario for scenario, failure in CLASSES.items() if failure == "SlowFirstToken"]
"""Of a whole answer no first token can be missed: see test_time.py."""
FAST = {"timeouts": {"first_token_ms": 250}}
PIECE_BYTES = 4096


@pytest.mark.parametrize(
    ("scenario", "want_class", "stream"),
    [
        pytest.param(scenario, failure, stream, id=f"{scenario}-{'stream' if stream else 'whole'}")
        for scenario, failure in CLASSES.items()
        for stream in (True, False)
        if stream or scenario not in SILENT
    ],
)
def test_the_other_endpoint_answers(
    router: Router, a: FakeProvider, b: FakeProvider, scenario: str, want_class: str, stream: bool
) -> None:
    a.set(scenario)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=policy(**FAST))

    answer = router.ask(stream=stream)

    assert answer.status_code == 200
    assert answer.headers["x-poolkeeper-endpoint"] == "b"
    assert answer.headers["x-poolkeeper-tier"] == "1"
    asked_again = want_class == "ServerError"  # one fault is no reason to leave the tier
    assert answer.headers["x-poolkeeper-attempts"] == ("3" if asked_again else "2")
    assert events(answer.text)[-1] == "[DONE]" if stream else answer.json()["choices"]
    last_error = router.endpoint("a").last_error
    assert last_error is not None
    assert last_error.class_ == want_class


@pytest.mark.smoke
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_the_third_endpoint_answers_when_two_fail(
    router: Router, a: FakeProvider, b: FakeProvider, stream: bool
) -> None:
    a.set("error500")
    b.set("busy503")
    with FakeProvider("c", keys=["sk-c"]) as c:
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), endpoint("c", c, tier=2))

        answer = router.ask(stream=stream)

    assert answer.headers["x-poolkeeper-endpoint"] == "c"
    assert answer.headers["x-poolkeeper-attempts"] == "3"
    assert [len(fake.log()) for fake in (a, b)] == [1, 1]


ANSWER_MS = 100


@pytest.mark.timing
@pytest.mark.parametrize("scenario", ["refuse", "close_on_accept", "busy503", "rate_limit", "error500", "empty_200"])
def test_the_other_endpoint_of_a_tier_answers_nearly_as_soon_as_if_it_had_been_asked_first(
    router: Router, a: FakeProvider, b: FakeProvider, scenario: str
) -> None:
    """Requests that meet the failing one (nothing is learned here) against those that do not, in one run: their 99th
    percentile is less than 100 ms later, which is how long an answer takes here."""
    learns_nothing = policy(circuit_breaker={"consecutive_failures": 0}, retry={"busy_backoff_ms": (0,)})
    a.set(scenario)
    b.set("ok", first_token_ms=ANSWER_MS)
    normal = {"base_latency_ms": ANSWER_MS}
    router.serve(endpoint("a", a, **normal), endpoint("b", b, **normal), policy=learns_nothing)
    taken_s: dict[str, list[float]] = {"1": [], "2": []}

    def ask(_: int) -> None:
        began = time.monotonic()
        answer = router.ask(stream=True)
        assert answer.headers["x-poolkeeper-endpoint"] == "b"
        taken_s[answer.headers["x-poolkeeper-attempts"]].append(time.monotonic() - began)

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(ask, range(160)))

    direct, failed_over = (
        statistics.quantiles(taken_s[attempts], n=100, method="inclusive") for attempts in ("1", "2")
    )
    assert min(len(taken_s["1"]), len(taken_s["2"])) > 30
    assert failed_over[98] - direct[98] < direct[49]


@pytest.mark.parametrize(
    ("scenario", "want_status"), [("bad_request", 400), ("unprocessable", 422), ("context_too_long", 400)]
)
def test_a_callers_fault_goes_straight_back(
    router: Router, a: FakeProvider, b: FakeProvider, scenario: str, want_status: int
) -> None:
    a.set(scenario)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1))

    answer = router.ask()

    assert answer.status_code == want_status
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert b.log() == []
    assert router.endpoint("a").breaker == "Closed"


def test_too_long_a_context_goes_to_the_endpoint_that_can_take_it(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("context_too_long")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1, capabilities=("LargeContext",)))

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"


def test_a_lone_endpoint_is_asked_once_more_after_a_server_error(router: Router, a: FakeProvider) -> None:
    a.play({"script": [{"scenario": "error500", "requests": 1}, {"scenario": "ok"}]})
    router.serve(endpoint("a", a))

    assert router.ask().headers["x-poolkeeper-attempts"] == "2"


def test_a_lone_endpoint_is_not_asked_again_when_it_is_slow(router: Router, a: FakeProvider) -> None:
    a.set("hang_before_headers")
    router.serve(endpoint("a", a), policy=policy(**FAST))

    answer = router.ask(stream=True)

    assert answer.status_code == 503
    assert answer.json()["error"] == {
        "message": "System busy, please retry shortly",
        "type": "poolkeeper_error",
        "param": None,
        "code": "all_endpoints_down",
    }
    assert len(a.log()) == 1


@pytest.mark.smoke
@pytest.mark.parametrize(
    "scenario",
    ["cut", "cut_inside_chunk", "reset", "stall", "insufficient_system_resource", "error_in_stream", "invalid_chunk"],
)
def test_a_cut_stream_never_ends_cleanly(router: Router, a: FakeProvider, scenario: str) -> None:
    a.set(scenario)
    router.serve(endpoint("a", a), policy=policy(timeouts={"inter_token_ms": 250}))
    received = ""

    with pytest.raises(Exception, match="incomplete chunked read"), router.stream() as answer:
        for part in answer.iter_text():
            received += part

    assert "[DONE]" not in received
    assert '"code":"stream_truncated"' in events(received)[-1]
    text_of(
        "\n".join(line for line in received.split("\n") if "poolkeeper_error" not in line)
    )  # all of it is valid JSON
    last_error = router.endpoint("a").last_error
    assert last_error is not None
    assert last_error.class_ in ("Truncated", "Stalled")


def test_a_stream_that_forgets_its_end_is_ended(router: Router, a: FakeProvider) -> None:
    a.set("no_done")
    router.serve(endpoint("a", a))

    answer = router.ask(stream=True)

    assert events(answer.text)[-1] == "[DONE]"
    assert router.endpoint("a").last_error is None


@pytest.mark.smoke
def test_a_caller_that_goes_cancels_the_provider_at_once(router: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=10_000, token_interval_ms=10)
    router.serve(endpoint("a", a))

    with router.stream() as answer:
        next(answer.iter_text())

    (entry,) = a.wait_idle()
    assert entry.outcome is Outcome.CLIENT_CLOSED
    assert entry.chunks < 5_000
    assert router.endpoint("a").last_error is None


def test_a_request_has_one_time_limit_for_all_its_attempts(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    for fake in (a, b):
        fake.set("hang_before_headers")
    short = policy(timeouts={"first_token_ms": 300, "request_ms": 400})
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=short)

    answer = router.ask()

    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "deadline_exceeded"
    assert router.endpoint("b").last_error is None  # it did not have its time


@pytest.mark.parametrize(
    "choice",
    [
        "null",
        '{"index":NaN,"delta":{"content":"a"}}',
        '{"index":0,"delta":{"tool_calls":[null]}}',
        '{"index":0,"delta":{"tool_calls":[{"index":"nan"}]}}',
    ],
)
def test_a_stream_of_things_that_are_none_is_left_for_another_endpoint(
    router: Router, b: FakeProvider, choice: str
) -> None:
    stream = b'data: {"choices":[%b]}\n\ndata: [DONE]\n\n' % choice.encode()
    with Player(lambda: iter([whole(EVENT_STREAM, stream)])) as odd:
        router.serve(endpoint("odd", port=odd.port), endpoint("b", b, tier=1))

        answer = router.ask(stream=True)

        assert answer.headers["x-poolkeeper-endpoint"] == "b"


def test_a_character_in_two_halves_is_no_fault(router: Router, b: FakeProvider) -> None:
    halves = ['{"choices":[{"index":0,"delta":{"content":"' + half + '"}}]}' for half in (r"\ud83d", r"\ude00")]
    said = [*halves, '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}', "[DONE]"]
    stream = "".join(f"data: {data}\n\n" for data in said)
    with Player(lambda: iter([whole(EVENT_STREAM, stream.encode())])) as utf16:
        router.serve(endpoint("utf16", port=utf16.port), endpoint("b", b, tier=1))

        answer = router.ask(stream=True)

        assert answer.headers["x-poolkeeper-endpoint"] == "utf16"
        assert events(answer.text) == said


def test_an_event_of_megabytes_comes_through_whole(router: Router, b: FakeProvider) -> None:
    """In many pieces, none of which may be as much work as all of it, because other callers wait meanwhile."""
    deltas = [{"content": "a"}, {"content": "x" * (6 << 20)}, {"content": "b"}]
    said = [json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}) for delta in deltas]
    said += ['{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}', "[DONE]"]
    stream = "".join(f"data: {data}\n\n" for data in said).encode()

    def in_pieces() -> Steps:
        yield until_closed(EVENT_STREAM)
        for start in range(0, len(stream), PIECE_BYTES):
            yield stream[start : start + PIECE_BYTES]

    with Player(in_pieces) as long:
        router.serve(endpoint("long", port=long.port), endpoint("b", b, tier=1))

        answer = router.ask(stream=True)

        assert answer.headers["x-poolkeeper-endpoint"] == "long"
        assert events(answer.text) == said
