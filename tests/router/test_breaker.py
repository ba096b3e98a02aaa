"""Breakers and backoffs in the running router, with short times."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from poolkeeper.api.router_state import Transition
from router.harness import Router, endpoint, eventually, policy
from testing.fakes.harness import FakeProvider

NEVER_RESTS = {"busy_backoff_ms": (0,)}
SECONDS = {"recovery_timeout_ms": 3_000, "max_recovery_timeout_ms": 3_000}
LOOKED_AT = policy(circuit_breaker=SECONDS, retry={"busy_backoff_ms": (3_000,)})
"""An endpoint is out for long enough to be seen so."""


def story(transitions: tuple[Transition, ...]) -> list[tuple[str, str, str]]:
    return [(change.from_, change.to, change.reason) for change in transitions]


@pytest.mark.smoke
def test_a_breaker_opens_tries_again_and_closes(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("error500")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LOOKED_AT)

    assert {router.ask().headers["x-poolkeeper-endpoint"] for _ in range(3)} == {"b"}
    seen = router.endpoint("a")
    assert (seen.health, seen.breaker, seen.reason) == ("Unhealthy", "Open", "BreakerOpen")
    assert seen.retry_at is not None
    assert router.state().active_tier == 1
    assert router.ask().headers["x-poolkeeper-attempts"] == "1"
    assert len(a.log()) == 3

    a.set("ok")
    eventually(lambda: router.ask().headers["x-poolkeeper-endpoint"] == "a", "a half-open request reaches a")
    router.ask()
    seen = router.endpoint("a")
    assert (seen.health, seen.breaker, seen.reason) == ("Healthy", "Closed", "Healthy")
    assert story(router.state().transitions) == [
        ("Closed", "Open", "ServerError"),
        ("Open", "HalfOpen", "RecoveryTimeoutPassed"),
        ("HalfOpen", "Closed", "TrialsPassed"),
    ]
    assert router.state().active_tier == 0


def test_an_open_breaker_sees_one_half_open_request_at_most_a_recovery_time(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("error500")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1))

    def opened() -> int:
        return sum(change.to == "Open" for change in router.state().transitions)

    eventually(lambda: router.ask().status_code != 200 or opened() >= 3, "two half-open requests have failed")

    assert len(a.log()) == 3 + 2


def test_a_pool_whose_last_endpoint_fails_opens_too(router: Router, a: FakeProvider) -> None:
    a.set("hang_before_headers")
    slow = policy(timeouts={"first_token_ms": 100}, circuit_breaker={"recovery_timeout_ms": 60_000})
    router.serve(endpoint("a", a), policy=slow)
    for _ in range(3):
        router.ask(stream=True)

    started_s = time.monotonic()
    answer = router.ask(stream=True)

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "all_endpoints_down"
    assert 0 < int(answer.headers["retry-after"]) <= 66
    assert time.monotonic() - started_s < 5
    assert len(a.log()) == 3


def test_one_sick_model_does_not_close_the_host(router: Router, a: FakeProvider) -> None:
    models = ("deepseek-v4-pro", "deepseek-flash")
    routes = [{"name": name, "upstream_name": name} for name in models]
    a.settings(models=["deepseek-flash"])
    router.serve(endpoint("a", a, models=routes), models=models)

    assert router.ask().status_code == 404
    assert router.ask(model="deepseek-flash").status_code == 200
    assert router.ask().status_code == 404  # that pair has a backoff, and nobody else has the model
    assert len(a.log()) == 2


def test_a_busy_endpoint_has_a_backoff_and_comes_back(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.play({"script": [{"scenario": "busy503", "requests": 1}, {"scenario": "ok"}]})
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=LOOKED_AT)

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
    seen = router.endpoint("a")
    assert (seen.health, seen.reason) == ("Unhealthy", "Busy")
    assert router.ask().headers["x-poolkeeper-attempts"] == "1"
    eventually(lambda: router.ask().headers["x-poolkeeper-endpoint"] == "a", "a is asked again after its backoff")
    assert len([entry for entry in a.log() if entry.status == 503]) == 1


def test_retry_after_is_kept(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("rate_limit", retry_after_s=30)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1))
    router.ask()

    seen = router.endpoint("a")

    assert seen.reason == "RateLimited"
    assert seen.breaker == "Closed"
    assert seen.retry_at is not None
    assert seen.since is not None
    assert 25 <= (seen.retry_at - seen.since).total_seconds() <= 31
    assert seen.limit == 25  # the limit that the answer named


def test_a_refused_key_is_out_until_its_file_changes(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.write_key("a", "sk-wrong")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1))

    for seed in (1, 1, 2, 2, 3, 3, 4):
        assert router.ask(seed=seed).headers["x-poolkeeper-endpoint"] == "b"

    assert router.endpoint("a").reason == "CredentialsRejected"
    assert len(a.log()) == 3  # different requests; the same one is not sent there again
    assert ("InService", "OutOfService", "CredentialsRejected") in story(router.state().transitions)

    router.write_key("a", "sk-a")
    eventually(lambda: router.ask().headers["x-poolkeeper-endpoint"] == "a", "the new key is used")
    assert router.endpoint("a").key_changed_at is not None
    assert router.endpoint("b").key_changed_at is None
    assert router.endpoint("a").reason == "Healthy"


def test_a_missing_key_takes_the_endpoint_out_and_says_which(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.write_key("a", "")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1))

    assert router.ask().headers["x-poolkeeper-endpoint"] == "b"
    assert (router.endpoint("a").health, router.endpoint("a").reason) == ("Unhealthy", "SecretNotFound")
    assert a.log() == []


def test_what_was_learned_survives_a_new_document_unless_the_endpoint_is_another(
    router: Router, a: FakeProvider
) -> None:
    a.set("error500")
    patient = policy(circuit_breaker={"recovery_timeout_ms": 60_000})
    router.serve(endpoint("a", a), policy=patient)
    for _ in range(2):
        router.ask()
    assert router.endpoint("a").breaker == "Open"

    router.serve(endpoint("a", a, weight=7), policy=patient)
    assert router.endpoint("a").breaker == "Open"

    router.serve(endpoint("a", a, fingerprint="another"), policy=patient)
    assert router.endpoint("a").breaker == "Closed"


def test_an_outage_is_not_multiplied(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    """Retries are paid from a bucket: ten tokens to start, and a fifth of one a request."""
    for fake in (a, b):
        fake.set("busy503")
    never = policy(retry=NEVER_RESTS, circuit_breaker={"consecutive_failures": 10_000})
    router.serve(endpoint("a", a), endpoint("b", b), policy=never)
    requests = 200

    with ThreadPoolExecutor(8) as callers:
        statuses = set(callers.map(lambda _: router.ask().status_code, range(requests)))

    attempts = len(a.log()) + len(b.log())
    assert statuses == {503}
    assert requests + 10 <= attempts <= requests * 1.2 + 10 + 1


def test_a_failover_that_answers_costs_nothing(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("busy503")
    never = policy(retry=NEVER_RESTS, circuit_breaker={"consecutive_failures": 10_000})
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=never)

    assert [router.ask().status_code for _ in range(40)] == [200] * 40
