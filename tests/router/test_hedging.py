"""When the first endpoint is unusually slow, a second one gets the request too. The faster one answers."""

import json
import re
import socket
import time

import pytest

from poolkeeper.api.router_document import HedgingDoc, PolicyDoc
from router.harness import POLICY, Router, endpoint, eventually, text_of
from testing import plain_http
from testing.fakes.deepseek.log import Outcome
from testing.fakes.harness import FakeProvider

USUAL = 25
"""Requests until it is known what is usual."""
FIRST_TOKEN_S = 15


def hedging(budget_percent: int = 100) -> PolicyDoc:
    settings = HedgingDoc(after_percentile=95, budget_percent=budget_percent)
    slow = POLICY.timeouts.model_copy(update={"first_token_ms": FIRST_TOKEN_S * 1_000})
    return POLICY.model_copy(update={"hedging": settings, "timeouts": slow})


def serve(router: Router, a: FakeProvider, b: FakeProvider, budget_percent: int = 100) -> None:
    """As usual so far, and then `a` is slow."""
    router.serve(endpoint("a", a), policy=hedging(budget_percent))
    for _ in range(USUAL):
        router.ask(stream=True)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=hedging(budget_percent))
    a.set("slow_first_token", first_token_ms=10_000)


def given_up(router: Router) -> dict[tuple[str, str], int]:
    """Attempts without a whole answer, by endpoint and the word for why."""
    found = re.findall(
        r'^poolkeeper_upstream_errors_total\{endpoint="(.*?)",.*?class="(.*?)"\} (\d+)', router.metrics(), re.MULTILINE
    )
    return {(name, word): int(count) for name, word, count in found if int(count)}


def test_the_second_endpoint_answers_and_the_first_is_cancelled(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    serve(router, a, b)

    answer = router.ask(stream=True)

    assert answer.headers["x-poolkeeper-endpoint"] == "b"
    assert answer.headers["x-poolkeeper-attempts"] == "2"
    assert text_of(answer.text)
    cancelled = a.wait_for(lambda entries: entries[-1].outcome is Outcome.CLIENT_CLOSED)
    assert len(cancelled) == USUAL + 1
    eventually(lambda: 'poolkeeper_hedges_total{endpoint="b"} 1' in router.metrics(), "the hedge is counted")
    eventually(lambda: given_up(router) == {("a", "Outpaced"): 1}, "the cancelled attempt is booked")
    assert router.endpoint("a").breaker == "Closed"


def test_the_first_may_still_be_the_first(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    serve(router, a, b)
    a.set("slow_first_token", first_token_ms=500)
    b.set("slow_first_token", first_token_ms=10_000)

    answer = router.ask(stream=True)

    assert answer.headers["x-poolkeeper-endpoint"] == "a"
    eventually(router.is_idle, "the second endpoint's slot is free again")
    eventually(lambda: given_up(router) == {("b", "Outpaced"): 1}, "the second endpoint's attempt is booked")


def test_a_caller_who_leaves_while_two_are_asked_is_the_one_who_left(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    serve(router, a, b)
    b.set("slow_first_token", first_token_ms=10_000)

    body = json.dumps({"model": "deepseek-v4-pro", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})
    with socket.create_connection(("127.0.0.1", router.port)) as caller:
        caller.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: router\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body.encode())
        )
        b.wait_for(lambda entries: len(entries) == 1)

    want = {("a", "ClientGone"): 1, ("b", "ClientGone"): 1}
    eventually(lambda: given_up(router) == want, "both attempts are booked")


def test_when_the_second_fails_the_first_is_waited_for(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    serve(router, a, b)
    a.set("slow_first_token", first_token_ms=500)
    b.set("busy503")

    answer = router.ask(stream=True)

    assert answer.headers["x-poolkeeper-endpoint"] == "a"
    assert len(b.log()) == 1


def test_when_both_fail_the_caller_gets_the_error(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    serve(router, a, b)
    a.set("hang_before_headers")
    b.set("busy503")

    with plain_http.Client(timeout=30) as client:
        answer = client.post(
            f"{router.url}/v1/chat/completions",
            json={"model": "deepseek-v4-pro", "stream": True, "messages": [{"role": "user", "content": "Hi"}]},
        )

    assert answer.status_code == 503
    assert len(a.log()) == USUAL + 1


def test_no_more_than_the_budget_is_hedged(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    serve(router, a, b, budget_percent=0)
    a.set("slow_first_token", first_token_ms=300)

    for _ in range(4):
        router.ask(stream=True)

    assert len(b.log()) == 1


def test_a_whole_answer_is_never_paid_for_twice(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    serve(router, a, b)
    a.set("slow_first_token", first_token_ms=300)

    assert router.ask(stream=False).headers["x-poolkeeper-endpoint"] == "a"
    assert b.log() == []


def test_a_whole_answer_that_is_asked_for_as_a_stream_is_hedged_as_one(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    serve(router, a, b)
    streaming = POLICY.streaming.model_copy(update={"whole_answers": "Stream"})
    streamed = hedging().model_copy(update={"streaming": streaming})
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=streamed)

    answer = router.ask()

    assert answer.headers["x-poolkeeper-endpoint"] == "b"
    assert answer.json()["choices"][0]["finish_reason"] == "stop"
    assert a.wait_for(lambda entries: entries[-1].outcome is Outcome.CLIENT_CLOSED)


@pytest.mark.timing
def test_a_prompt_that_the_first_never_read_keeps_nobody(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    serve(router, a, b)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        router.serve(endpoint("a", port=deaf.getsockname()[1]), endpoint("b", b, tier=1), policy=hedging())
        prompt = [{"role": "user", "content": "x" * (12 << 20)}]

        started = time.monotonic()
        answer = router.ask(stream=True, messages=prompt)
        took_s = time.monotonic() - started

        assert answer.headers["x-poolkeeper-endpoint"] == "b"
        assert text_of(answer.text)
        assert took_s < FIRST_TOKEN_S / 2
