"""A router that starts begins with what the others say is out, and finds out the rest by itself."""

import time
from pathlib import Path

import pytest

from poolkeeper.api.startup_hints import OutageDoc, OutagesDoc
from router.harness import MODEL, PEER_RESET, Router, endpoint, eventually, policy
from testing.fakes.harness import FakeProvider

MINUTE_MS = 60_000
NEWS_MS = 30 * MINUTE_MS
LATER = policy(circuit_breaker={"recovery_timeout_ms": MINUTE_MS, "max_recovery_timeout_ms": 5 * MINUTE_MS})
"""No half-open request while the test runs."""
WHOLE_ENDPOINT = ""


def hints(model: str = MODEL, reason: str = "Connect", *, age_ms: int = 0, fingerprint: str = "fp-a") -> OutagesDoc:
    found = OutageDoc(endpoint="a", fingerprint=fingerprint, model=model, reason=reason)
    return OutagesDoc(told_at_ms=round(time.time() * 1000) - age_ms, endpoints=(found,))


def answered_by(router: Router, count: int = 10) -> set[str]:
    return {router.ask().headers["x-poolkeeper-endpoint"] for _ in range(count)}


@pytest.mark.parametrize("workers", [1, 3])
def test_a_dead_endpoint_gets_nothing_before_its_half_open_request(
    tmp_path: Path, a: FakeProvider, b: FakeProvider, workers: int
) -> None:
    with Router(tmp_path, workers=workers, allowed_errors=PEER_RESET) as router:
        router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER, outages=hints())

        assert answered_by(router, 20) == {"b"}
        assert a.log() == []
        seen = router.endpoint("a")

    assert (seen.breaker, seen.models[0].reason) == ("Open", "Connect")
    assert seen.retry_at is not None


def test_the_half_open_request_comes_at_its_time_and_a_good_one_ends_the_outage(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), outages=hints())

    eventually(lambda: answered_by(router, 1) == {"a"}, "a is asked again")

    eventually(lambda: answered_by(router, 1) == {"a"} and router.endpoint("a").breaker == "Closed", "a is back")


@pytest.mark.parametrize("model", [MODEL, WHOLE_ENDPOINT])
def test_a_document_that_is_there_before_the_router_counts_too(
    tmp_path: Path, a: FakeProvider, b: FakeProvider, model: str
) -> None:
    router = Router(tmp_path, allowed_errors=PEER_RESET)
    router.write_key("a", "sk-a")
    router.write_key("b", "sk-b")
    document = router.document(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER, outages=hints(model))
    router.write(document.model_dump_json(by_alias=True))

    with router:
        assert answered_by(router) == {"b"}
        assert a.log() == []


def test_a_refused_key_is_not_sent_and_another_one_is(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.write_key("a", "sk-old")
    refused = hints(WHOLE_ENDPOINT, "CredentialsRejected")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER, outages=refused)
    assert answered_by(router) == {"b"}
    assert (router.endpoint("a").health, router.endpoint("a").reason) == ("Unhealthy", "CredentialsRejected")
    assert a.log() == []

    router.write_key("a", "sk-a")

    eventually(lambda: answered_by(router, 1) == {"a"}, "the new key is used")


@pytest.mark.parametrize(
    "news",
    [hints(fingerprint="another"), hints("another-model"), hints(age_ms=NEWS_MS + MINUTE_MS)],
    ids=["of another endpoint of this name", "of another model", "too old"],
)
def test_news_that_is_no_news_changes_nothing(
    router: Router, a: FakeProvider, b: FakeProvider, news: OutagesDoc
) -> None:
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER, outages=news)

    assert answered_by(router) == {"a"}


def test_a_router_that_runs_believes_itself(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER)

    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER, outages=hints())

    assert answered_by(router) == {"a"}
    assert router.endpoint("a").breaker == "Closed"


def test_one_that_starts_again_has_a_document_kept_and_gets_the_hints_all_the_same(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER)
    assert answered_by(router) == {"a"}
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LATER, outages=hints())
    asked = len(a.log())

    router.stop()
    router.start()

    assert answered_by(router) == {"b"}
    assert len(a.log()) == asked
