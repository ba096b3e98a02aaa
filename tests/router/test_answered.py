"""A good probe moves Open to HalfOpen at most, before its time, and once: no recovery time is over in these tests."""

import time
from pathlib import Path

import pytest

from poolkeeper.api.router_document import RouterDoc
from poolkeeper.api.startup_hints import AnsweredDoc
from router.harness import MODEL, PEER_RESET, Router, endpoint, eventually, policy
from router.test_breaker import story
from testing.fakes.harness import FakeProvider

MINUTE_MS = 60_000
LATER = policy(circuit_breaker={"recovery_timeout_ms": 10 * MINUTE_MS, "max_recovery_timeout_ms": 50 * MINUTE_MS})
OPENED = ("Closed", "Open", "ServerError")
PROBED = ("Open", "HalfOpen", "ProbePassed")


def now_ms() -> int:
    return round(time.time() * 1000)


def probed(at_ms: int, model: str = MODEL, fingerprint: str = "fp-a") -> tuple[AnsweredDoc, ...]:
    return (AnsweredDoc(endpoint="a", fingerprint=fingerprint, model=model, probed_at_ms=at_ms),)


def tell(router: Router, of: RouterDoc, news: tuple[AnsweredDoc, ...]) -> None:
    """The same document with other news, as the operator writes it. What is kept of it is written last."""
    router.write(of.model_copy(update={"answered": news}).model_dump_json(by_alias=True))
    kept = router.folder / "run" / "last-good.json"
    eventually(lambda: f"{news[-1].probed_at_ms}" in kept.read_text(), "the news is taken")


def opened(router: Router, a: FakeProvider, b: FakeProvider) -> RouterDoc:
    """a's breaker is open, and a is well again."""
    a.set("error500")
    document = router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER)
    assert {answered_by(router) for _ in range(5)} == {"b"}
    assert router.endpoint("a").breaker == "Open"
    a.set("ok")
    return document


def answered_by(router: Router) -> str:
    return router.ask().headers["x-poolkeeper-endpoint"]


@pytest.mark.parametrize("workers", [1, 3])
def test_the_next_request_is_half_open_and_only_half_open_ones_close(
    tmp_path: Path, a: FakeProvider, b: FakeProvider, workers: int
) -> None:
    with Router(tmp_path, workers=workers, allowed_errors=PEER_RESET) as router:
        document = opened(router, a, b)

        tell(router, document, probed(now_ms()))

        seen = router.endpoint("a")
        assert (seen.breaker, seen.health, seen.reason) == ("HalfOpen", "Unknown", "AwaitingTraffic")
        assert [answered_by(router) for _ in range(2)] == ["a", "a"]
        assert router.endpoint("a").breaker == "Closed"
        assert story(router.state().transitions) == [OPENED, PROBED, ("HalfOpen", "Closed", "TrialsPassed")]


def test_the_same_news_is_taken_once(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    document = opened(router, a, b)
    at_ms = now_ms()
    tell(router, document, probed(at_ms))
    a.set("error500")
    assert answered_by(router) == "b"

    tell(router, document, (*probed(at_ms), *probed(at_ms + 1, fingerprint="another")))

    assert {answered_by(router) for _ in range(3)} == {"b"}
    assert story(router.state().transitions) == [OPENED, PROBED, ("HalfOpen", "Open", "ServerError")]


@pytest.mark.parametrize(
    ("age_ms", "model", "fingerprint"),
    [
        pytest.param(MINUTE_MS, MODEL, "fp-a", id="a probe that began before it opened"),
        pytest.param(-MINUTE_MS, MODEL, "fp-a", id="a probe that is still to come"),
        pytest.param(0, "another-model", "fp-a", id="a probe of another model"),
        pytest.param(0, MODEL, "another", id="a probe of another endpoint of this name"),
    ],
)
def test_what_says_nothing_of_this_circuit_changes_nothing(
    router: Router, a: FakeProvider, b: FakeProvider, age_ms: int, model: str, fingerprint: str
) -> None:
    document = opened(router, a, b)

    tell(router, document, probed(now_ms() - age_ms, model, fingerprint))

    assert {answered_by(router) for _ in range(3)} == {"b"}
    assert story(router.state().transitions) == [OPENED]


def test_a_closed_breaker_does_not_care(router: Router, a: FakeProvider) -> None:
    document = router.serve(endpoint("a", a), policy=LATER)
    assert answered_by(router) == "a"

    tell(router, document, probed(now_ms()))

    assert router.endpoint("a").breaker == "Closed"
    assert router.state().transitions == ()
