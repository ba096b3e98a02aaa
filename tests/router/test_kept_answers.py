"""Answers that are kept for when nobody can give one: for how long, how many, which, and how they are given again.

test_fallback.py has when they are given, and to whom.
"""

import time
from pathlib import Path

import pytest

from poolkeeper.api.router_document import ContextRecoveryDoc, FallbackDoc, ModelRoute
from router.harness import MODEL, PEER_RESET, POLICY, Router, endpoint, events, eventually, text_of
from testing.fakes.harness import FakeProvider

BUSY = "System busy, please retry shortly"
HOUR_MS = 3_600_000
KEPT = FallbackDoc(default_response=BUSY, cache_ttl_ms=HOUR_MS, cache_bytes=64 << 20)
KEEPS = POLICY.model_copy(update={"fallback": KEPT})
FALLBACK = "x-poolkeeper-fallback"
SMALLEST_BYTES = 64 << 10


def test_says_how_old_it_is_and_ends_with_its_time(router: Router, a: FakeProvider) -> None:
    brief = KEPT.model_copy(update={"cache_ttl_ms": 3_000})
    router.serve(endpoint("a", a), policy=POLICY.model_copy(update={"fallback": brief}))
    router.ask()
    a.set("busy503")

    eventually(lambda: router.ask().headers[FALLBACK] in {"cache; age=1", "cache; age=2"}, "it grows older")
    eventually(lambda: router.ask().status_code == 503, "it is too old")


def test_a_shorter_time_holds_for_what_is_kept_already(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), policy=KEEPS)
    router.ask()
    a.set("busy503")
    assert router.ask().headers[FALLBACK].startswith("cache")

    brief = KEPT.model_copy(update={"cache_ttl_ms": 1_000})
    router.serve(endpoint("a", a), policy=POLICY.model_copy(update={"fallback": brief}))

    eventually(lambda: router.ask().status_code == 503, "it is too old")


def test_a_stream_comes_at_once_whatever_its_pace_was(router: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=20, token_interval_ms=50)
    router.serve(endpoint("a", a), policy=KEEPS)

    def timed() -> tuple[float, str, str]:
        began = time.monotonic()
        answer = router.ask(stream=True)
        assert events(answer.text)[-1] == "[DONE]"
        return time.monotonic() - began, text_of(answer.text), answer.headers.get(FALLBACK, "")

    first_s, first_text, _ = timed()
    a.set("busy503")
    router.ask(seed=1)  # finds it busy
    again = [timed() for _ in range(5)]

    assert {text for _, text, _ in again} == {first_text}
    assert all(shown.startswith("cache") for _, _, shown in again)
    assert min(again)[0] < first_s / 4  # the fastest: a stall of the machine is no pace


def test_the_longest_unused_give_way(tmp_path: Path, a: FakeProvider) -> None:
    """As many are kept as there is room for; one that is given again counts as used."""
    few = {"POOLKEEPER_CACHE_BYTES": str(SMALLEST_BYTES)}
    with Router(tmp_path, allowed_errors=PEER_RESET, environment=few) as router:
        no_backoff = KEEPS.retry.model_copy(update={"busy_backoff_ms": (0,)})
        never_opens = KEEPS.circuit_breaker.model_copy(update={"consecutive_failures": 0})
        router.serve(
            endpoint("a", a), policy=KEEPS.model_copy(update={"retry": no_backoff, "circuit_breaker": never_opens})
        )

        def kept(seed: int) -> bool:
            a.set("busy503")
            answer = router.ask(seed=seed)
            a.set("ok", tokens=1_000, reasoning_tokens=0, token_interval_ms=0)
            return answer.headers[FALLBACK].startswith("cache")

        assert not kept(0)
        for seed in range(24):
            router.ask(seed=seed)
            assert kept(0)

        assert kept(23)
        assert not kept(1)


def test_what_the_lesser_model_said_is_not_kept(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("busy503")
    b.settings(any_model=True)
    fallback = KEPT.model_copy(update={"degraded_model": "small"})
    small = (ModelRoute(name="small", upstream_name="small"),)
    router.serve(
        endpoint("a", a),
        endpoint("b", b, models=small),
        models=(MODEL, "small"),
        policy=POLICY.model_copy(update={"fallback": fallback}),
    )
    assert router.ask().headers[FALLBACK] == "degraded"
    b.set("busy503")

    assert router.ask().headers[FALLBACK] == "default"


def test_the_answer_to_a_shorter_conversation_is_not_kept(router: Router, a: FakeProvider) -> None:
    a.play({"script": [{"scenario": "context_too_long", "requests": 1}, {"scenario": "ok"}]})
    trims = KEEPS.model_copy(update={"context_recovery": ContextRecoveryDoc(keep_turns=1)})
    router.serve(endpoint("a", a), policy=trims)
    talk = [{"role": role, "content": "word"} for role in ("user", "assistant", "user", "assistant", "user")]
    assert router.ask(messages=talk).headers["x-poolkeeper-context-trimmed"] == "2"
    a.set("busy503")

    assert router.ask(messages=talk).headers[FALLBACK] == "default"


@pytest.mark.parametrize("scenario", ["bad_request", "empty_200", "stall"])
def test_what_was_no_good_answer_is_not_kept(router: Router, a: FakeProvider, scenario: str) -> None:
    once = KEEPS.retry.model_copy(update={"max_attempts": 1})
    soon = KEEPS.timeouts.model_copy(update={"first_token_ms": 300, "inter_token_ms": 300})
    router.serve(endpoint("a", a), policy=KEEPS.model_copy(update={"retry": once, "timeouts": soon}))
    a.set(scenario)
    router.ask()
    a.set("busy503")

    assert router.ask().headers[FALLBACK] == "default"


def test_every_router_keeps_its_own(tmp_path: Path, a: FakeProvider) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with Router(tmp_path / "one") as one, Router(tmp_path / "two") as two:
        for router in (one, two):
            router.serve(endpoint("a", a), policy=KEEPS)
        one.ask()
        a.set("busy503")

        assert one.ask().headers[FALLBACK].startswith("cache")
        assert two.ask().headers[FALLBACK] == "default"
