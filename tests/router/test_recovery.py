"""A stream that breaks off after its caller saw a part of it: who continues it, what is recorded, what the caller sees.

What the caller's text must be then is the conformance suite's business (testing/conformance/table, cuts and recovery).
"""

import json

import httpx
import pytest

from router.harness import STAYS_OPEN, Router, endpoint, events, eventually, policy, text_of
from testing.fakes.harness import FakeProvider
from testing.fakes.player import JSON, Player, Steps, until_closed

AFTER_CHUNKS = 6
CAPABLE = ("PrefixCompletion",)


def whole_text(router: Router, fake: FakeProvider) -> str:
    """What an uncut answer says."""
    router.serve(endpoint(fake.name, fake))
    return text_of(router.ask(stream=True).text)


def broken(router: Router) -> str:
    """A stream that does not end as it should: what came of it."""
    text = ""
    with router.stream() as answer, pytest.raises(httpx.RemoteProtocolError):
        for piece in answer.iter_text():
            text += piece
    return text


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("recovery", "capable", "want_how"),
    [
        ("Continue", True, "Continue"),
        ("Continue", False, "Restart"),
        ("Restart", True, "Restart"),
    ],
)
def test_another_endpoint_goes_on(
    router: Router, a: FakeProvider, b: FakeProvider, recovery: str, capable: bool, want_how: str
) -> None:
    want_text = whole_text(router, b)
    a.set("cut", after_chunks=AFTER_CHUNKS)
    router.serve(
        endpoint("a", a),
        endpoint("b", b, tier=1, capabilities=CAPABLE if capable else ()),
        policy=policy(streaming={"recovery": recovery}),
    )

    answer = router.ask(stream=True).text

    assert text_of(answer) == want_text
    assert events(answer)[-1] == "[DONE]"
    assert answer.count('"poolkeeper":"') == 1
    assert not [line for line in answer.splitlines() if line.startswith(":")]  # go-openai: no error after one
    assert ("continued by b" in answer) == (want_how == "Continue")
    series = f'poolkeeper_stream_recoveries_total{{endpoint="b",how="{want_how}"}} 1'
    eventually(lambda: series in router.metrics(), series)
    assert 'poolkeeper_failovers_total{from="a",to="b",reason="Truncated"} 1' in router.metrics()


def test_a_stream_stalls_by_its_own_pace_where_the_policy_says_so(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    """interToken alone would end the request at its deadline."""
    a.set("stall", after_chunks=30, tokens=60, token_interval_ms=5)
    b.set("ok", tokens=60, token_interval_ms=0)
    want_text = whole_text(router, b)
    adaptive = policy(streaming={"stall": "Adaptive"}, timeouts={"inter_token_ms": 60_000, "request_ms": 15_000})
    router.serve(endpoint("a", a), endpoint("b", b, tier=1, capabilities=CAPABLE), policy=adaptive)

    answer = router.ask(stream=True).text

    assert text_of(answer) == want_text
    assert "continued by b" in answer


def test_the_answer_that_broke_off_counts_as_a_failure_of_its_endpoint(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("cut", after_chunks=AFTER_CHUNKS)
    stays_open = policy(circuit_breaker=STAYS_OPEN)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1, capabilities=CAPABLE), policy=stays_open)

    for _ in range(3):
        router.ask(stream=True)

    assert router.endpoint("a").breaker == "Open"
    assert router.endpoint("b").breaker == "Closed"


def test_who_refuses_to_go_on_is_asked_to_start_again_and_not_blamed(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    want_text = whole_text(router, b)
    a.set("cut", after_chunks=AFTER_CHUNKS)
    b.set("ok", prefill="refuse")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1, capabilities=CAPABLE))

    for _ in range(3):
        assert text_of(router.ask(stream=True).text) == want_text

    assert router.endpoint("b").breaker == "Closed"
    assert router.endpoint("b").health == "Healthy"


def test_the_endpoint_itself_goes_on_when_there_is_no_other(router: Router, a: FakeProvider) -> None:
    want_text = whole_text(router, a)
    a.play(
        {"script": [{"scenario": "cut", "requests": 1, "params": {"after_chunks": AFTER_CHUNKS}}, {"scenario": "ok"}]}
    )
    router.serve(endpoint("a", a))

    assert text_of(router.ask(stream=True).text) == want_text


def test_attempts_to_go_on_are_attempts_and_end_with_them(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("cut", after_chunks=AFTER_CHUNKS)
    b.set("cut", after_chunks=AFTER_CHUNKS)
    with FakeProvider("c", keys=["sk-c"]) as c:
        router.serve(
            endpoint("a", a),
            endpoint("b", b, tier=1),
            endpoint("c", c, tier=2),
            policy=policy(retry={"max_attempts": 2}),
        )

        answer = broken(router)

        assert "[DONE]" not in answer
        assert json.loads(events(answer)[-1])["error"]["code"] == "stream_truncated"
        assert [len(fake.log()) for fake in (a, b, c)] == [1, 1, 0]


def test_a_caller_who_leaves_meanwhile_leaves_nothing_taken(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("cut", after_chunks=AFTER_CHUNKS)
    b.set("hang_before_headers")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=policy(timeouts={"first_token_ms": 15_000}))

    with router.stream() as answer:
        lines = answer.iter_lines()
        next(lines)
        eventually(lambda: router.endpoint("b").in_flight == 1, "b is asked to go on")

    eventually(router.is_idle, "the slot at b is free again")


def test_a_whole_answer_too_long_to_be_made_a_stream_is_left_for_another_endpoint(
    router: Router, b: FakeProvider
) -> None:
    def talks() -> Steps:
        yield until_closed(JSON).replace(b"connection: close", b"content-length: 99999999")
        yield b'{"choices":[{"message":{"content":"' + b"x" * (9 << 20)

    with Player(talks) as whole:
        router.serve(endpoint("whole", port=whole.port), endpoint("b", b, tier=1))

        answer = router.ask(stream=True)

    assert answer.headers["x-poolkeeper-endpoint"] == "b"
    assert events(answer.text)[-1] == "[DONE]"
