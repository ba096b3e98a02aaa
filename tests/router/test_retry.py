"""Who is asked again, after what pause, and who is waited for."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import httpx
import pytest

from router.harness import Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.harness import FakeProvider
from testing.fakes.player import Player, Steps

AFTER_400_MS = {"scenario": "rate_limit", "requests": 1, "params": {"retry_after_ms": 400}}
OK = {"scenario": "ok"}
STARTING_TOKENS = 10
"""What a pool may spend on retries before anything has come in (retry_budget.lua)."""
SHORT_BACKOFF = {"busy_backoff_ms": (50,)}


def waits(tier_wait_ms: int) -> dict[str, object]:
    return {**SHORT_BACKOFF, "tier_wait_ms": tier_wait_ms}


def gaps_s(fake: FakeProvider) -> list[float]:
    return [after.started_monotonic_s - before.started_monotonic_s for before, after in pairwise(fake.log())]


# --- the same endpoint again


def test_a_lone_endpoint_gets_a_pause_after_a_server_error_and_no_third_attempt(
    router: Router, a: FakeProvider
) -> None:
    a.set("error500")
    router.serve(endpoint("a", a), policy=policy(retry={"max_attempts": 5}))

    assert router.ask().status_code == 503

    (pause_s,) = gaps_s(a)
    assert pause_s >= 0.1


def test_pauses_differ(router: Router, a: FakeProvider) -> None:
    a.set("error500")
    never = policy(circuit_breaker={"consecutive_failures": 100})
    router.serve(endpoint("a", a), policy=never)

    for _ in range(4):
        router.ask()

    pauses_ms = {round(gap_s * 1000) for gap_s in gaps_s(a)[::2]}
    assert len(pauses_ms) > 1


@pytest.mark.parametrize("scenario", ["hang_before_headers", "keepalive_forever", "busy503", "empty_200", "refuse"])
def test_a_lone_endpoint_gets_one_attempt_a_request_when_it_is_not_a_server_error(
    router: Router, a: FakeProvider, scenario: str
) -> None:
    a.set(scenario)
    router.serve(endpoint("a", a), policy=policy(timeouts={"first_token_ms": 200}))

    assert router.ask(stream=True).headers["x-poolkeeper-attempts"] == "1"


# --- waiting inside a tier


def test_a_tier_is_waited_for_as_long_as_the_policy_says(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.play({"script": [AFTER_400_MS, OK]})
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=policy(retry=waits(2_000)))

    answer = router.ask()

    assert answer.headers["x-poolkeeper-endpoint"] == "a"
    assert b.log() == []


def test_a_longer_wait_falls_to_the_next_tier_at_once(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("rate_limit", retry_after_s=30)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=policy(retry=waits(2_000)))

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"


def test_a_request_that_finds_the_tier_in_backoff_waits_for_it_too(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    a.play({"script": [AFTER_400_MS, OK]})
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=policy(retry=SHORT_BACKOFF))
    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"

    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=policy(retry=waits(2_000)))
    answer = router.ask()

    assert (answer.headers["x-poolkeeper-endpoint"], answer.headers["x-poolkeeper-attempts"]) == ("a", "1")


def test_a_tier_that_is_refused_again_and_again_is_waited_for_no_longer_than_the_policy_says(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("rate_limit", retry_after_ms=300)
    patient = policy(retry={**waits(500), "max_attempts": 10})
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=patient)

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
    assert len(a.log()) == 2  # the second refusal would have made it 600 ms


def test_another_endpoint_of_the_tier_comes_before_waiting(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("rate_limit", retry_after_ms=400)
    b.set("rate_limit", retry_after_ms=400)
    with FakeProvider("c", keys=["sk-c"]) as c:
        router.serve(
            endpoint("a", a), endpoint("b", b), endpoint("c", c),
            policy=policy(retry=waits(2_000)),
        )  # fmt: skip

        answer = router.ask()

    assert answer.headers["x-poolkeeper-endpoint"] == "c"
    assert all(len(fake.log()) <= 1 for fake in (a, b))


# --- nobody is left


def test_the_one_that_is_back_first_is_waited_for(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.play({"script": [AFTER_400_MS, OK]})
    b.set("rate_limit", retry_after_s=15)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=policy(retry=SHORT_BACKOFF))

    assert router.ask().headers["x-poolkeeper-endpoint"] == "a"
    assert len(b.log()) == 1


def test_no_retry_after_is_waited_for_when_it_is_ignored(router: Router, a: FakeProvider) -> None:
    a.set("rate_limit", retry_after_ms=400)
    router.serve(endpoint("a", a), policy=policy(retry={**SHORT_BACKOFF, "honor_retry_after": False}))

    assert router.ask().status_code == 429
    assert len(a.log()) == 1


def test_a_caller_that_goes_ends_the_wait(router: Router, a: FakeProvider) -> None:
    a.play({"script": [{**AFTER_400_MS, "params": {"retry_after_ms": 1_500}}, OK]})
    router.serve(endpoint("a", a), policy=policy(retry=SHORT_BACKOFF))

    with contextlib.suppress(httpx.ReadTimeout):
        plain_http.post(f"{router.url}/v1/chat/completions", json=request(), timeout=0.2)
    eventually(lambda: 'code="499"' in router.metrics(), "the request has ended")

    assert router.endpoint("a").reason == "RateLimited"  # it did not wait for the end of that
    assert router.is_idle()
    assert len(a.log()) == 1


# --- what an endpoint's backoff is


def test_an_answer_to_what_was_sent_before_does_not_end_a_backoff(router: Router, a: FakeProvider) -> None:
    """A provider at its limit goes on answering what it had accepted."""
    a.set("slow_first_token", first_token_ms=600)
    router.serve(endpoint("a", a))
    with ThreadPoolExecutor(1) as caller:
        accepted = caller.submit(router.ask)
        eventually(lambda: router.endpoint("a").in_flight == 1, "it is under way")
        a.set("rate_limit", retry_after_s=30)
        router.ask()

        assert accepted.result().status_code == 200

    assert router.ask().status_code == 429
    assert router.endpoint("a").reason == "RateLimited"


def test_callers_who_do_not_wait_that_long_spend_nothing(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    nothing_comes_in = policy(retry={"budget_percent": 0}, timeouts={"first_token_ms": 15_000})

    def full() -> Steps:
        while limited.asked < STARTING_TOKENS:
            yield 0.02
        yield b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 15\r\nContent-Length: 0\r\n\r\n"

    def leave() -> None:
        with contextlib.suppress(httpx.ReadTimeout), plain_http.Client(timeout=3) as impatient:
            impatient.post(f"{router.url}/v1/chat/completions", json=request())

    with Player(full) as limited, ThreadPoolExecutor(STARTING_TOKENS) as callers:
        router.serve(endpoint("limited", port=limited.port), policy=nothing_comes_in)
        for _ in range(STARTING_TOKENS):
            callers.submit(leave)
    assert limited.asked == STARTING_TOKENS

    a.set("busy503")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=nothing_comes_in)

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
