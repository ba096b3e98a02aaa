"""What a scrape counts is what callers and providers have seen, from the first request on; and it holds nobody up."""

import shutil
import subprocess
import threading

import httpx
import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc, ModelRoute, QueueDoc
from router.harness import MODEL, STAYS_OPEN, Router, endpoint, eventually, policy
from scrape import names, total
from testing import plain_http
from testing.fakes.harness import FakeProvider

LESSER = "deepseek-flash"
PRICING = {"currency": "USD", "input_per_million": "1000", "output_per_million": "2000"}
CLIENTS = AccessDoc(
    mode="Keys",
    clients=tuple(
        ClientDoc(name=name, key_file=name, source=f"Secret clients, key {name}", max_connections=50)
        for name in ("web", "batch")
    ),
)
QUEUED = QueueDoc(max_wait_ms=100, max_depth=10)


def models(*served: str) -> tuple[ModelRoute, ...]:
    return tuple(ModelRoute(name=name, upstream_name=name) for name in served)


def responses(router: Router, **labels: str) -> float:
    return total(router.metrics(), "poolkeeper_responses_total", **labels)


def test_every_counter_is_at_zero_before_the_first_request_and_no_other_comes(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    for client in CLIENTS.clients:
        router.write_key(client.name, f"client-{client.name}", folder="clients")
    cautious = policy(circuit_breaker=STAYS_OPEN).model_copy(update={"queue": QUEUED})
    router.serve(
        endpoint("a", a, pricing=PRICING), endpoint("b", b, tier=1, pricing=PRICING), access=CLIENTS, policy=cautious
    )
    before = router.metrics()
    assert names(before) and total(before, "poolkeeper_requests_total") == 0

    key = {"authorization": "Bearer client-web"}
    router.ask()
    for scenario in ("error500", "busy503", "rate_limit", "cut", "ok"):
        a.set(scenario)
        router.ask(stream=True, headers=key)
        router.ask(headers=key)
    router.ask(model="unknown", headers=key)
    b.set("error500")
    router.ask(headers=key)
    eventually(lambda: total(router.metrics(), "poolkeeper_responses_total") == 13, "all requests are counted")

    assert sorted(names(router.metrics()) - names(before)) == []


def test_outcomes_are_what_callers_got(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    quick = policy(fallback={"degraded_model": LESSER}, streaming={"recovery": "Error"}, circuit_breaker=STAYS_OPEN)
    router.serve(
        endpoint("a", a, models=models(MODEL)),
        endpoint("b", b, models=models(LESSER)),
        models=(MODEL, LESSER),
        policy=quick,
    )
    for _ in range(3):
        assert router.ask(stream=True).is_success
    a.set("cut", after_chunks=4)
    with pytest.raises(httpx.RemoteProtocolError):
        router.ask(stream=True)
    a.set("bad_request")
    assert router.ask().status_code == 400
    assert router.ask(model="unknown").status_code == 404
    a.set("busy503")
    assert router.ask().headers["x-poolkeeper-fallback"] == "degraded"
    b.set("busy503")
    assert router.ask(model=LESSER).status_code == 503

    want = {"ok": 3, "cut": 1, "refused": 1, "degraded": 1}
    eventually(lambda: responses(router) == 8, "all are counted")
    assert {word: responses(router, model=MODEL, outcome=word) for word in want} == want
    assert responses(router, model="other", outcome="refused") == 1
    assert responses(router, model=LESSER, outcome="error") == 1
    text = router.metrics()
    assert total(text, "poolkeeper_fallback_responses_total", kind="degraded") == 1
    assert total(text, "poolkeeper_upstream_responses_total", endpoint="a", status="400") == 1
    assert total(text, "poolkeeper_upstream_responses_total", endpoint="a", status="503") == 1
    assert total(text, "poolkeeper_upstream_responses_total", endpoint="a", status="200") == 4


def test_a_degraded_answer_is_counted_when_it_is_given(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(
        endpoint("a", a, models=models(MODEL)),
        endpoint("b", b, models=models(LESSER)),
        models=(MODEL, LESSER),
        policy=policy(fallback={"degraded_model": LESSER}),
    )
    a.set("busy503")
    b.set("busy503")

    assert router.ask().status_code == 503

    eventually(lambda: responses(router, outcome="error") == 1, "the error is counted")
    assert total(router.metrics(), "poolkeeper_fallback_responses_total", kind="degraded") == 0


def test_attempts_a_request_are_right_in_an_outage(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), policy=policy(circuit_breaker=STAYS_OPEN, retry={"max_attempts": 1}))
    a.set("error500")
    for _ in range(5):
        assert router.ask().status_code == 503

    name = "poolkeeper_request_attempts"
    eventually(lambda: total(router.metrics(), f"{name}_count") == 5, "all are counted")
    text = router.metrics()
    asked = len(a.log())
    assert total(text, f"{name}_sum") == asked == total(text, "poolkeeper_attempts_total")
    assert total(text, f"{name}_bucket", le="0") == 5 - asked > 0


def test_the_first_choice_alone_would_have_answered_what_it_was_asked_and_could(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=policy(circuit_breaker=STAYS_OPEN))
    for _ in range(4):
        router.ask()
    a.set("error500")
    for _ in range(20):
        assert router.ask().is_success

    eventually(lambda: total(router.metrics(), "poolkeeper_first_choice_total") == 24, "all are counted")
    text = router.metrics()
    answered, failed, down = (
        total(text, "poolkeeper_first_choice_total", model=MODEL, outcome=word)
        for word in ("answered", "failed", "down")
    )
    assert answered == 4
    assert failed > 0
    assert down > 0
    assert failed + down == 20


def test_tokens_are_the_providers_own(router: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=20, reasoning_tokens=5)
    router.serve(endpoint("a", a, pricing=PRICING))
    usages = [router.ask(thinking={"type": "enabled"}).json()["usage"] for _ in range(3)]

    wanted = {
        "input": sum(usage["prompt_tokens"] for usage in usages),
        "cached_input": sum(usage["prompt_tokens_details"]["cached_tokens"] for usage in usages),
        "output": sum(usage["completion_tokens"] for usage in usages),
        "reasoning": sum(usage["completion_tokens_details"]["reasoning_tokens"] for usage in usages),
    }
    assert all(wanted.values()), wanted
    eventually(lambda: total(router.metrics(), "poolkeeper_responses_total") == 3, "all are counted")
    text = router.metrics()
    for kind, count in wanted.items():
        assert total(text, "poolkeeper_tokens_total", type=kind, kind="answer") == count
        assert total(text, "poolkeeper_client_tokens_total", type=kind, client="", model=MODEL) == count
        series = {"gen_ai_token_type": kind, "gen_ai_operation_name": "chat", "gen_ai_response_model": MODEL}
        assert total(text, "gen_ai_client_token_usage_token_sum", **series) == count
    cost = total(text, "poolkeeper_cost_total", endpoint="a", currency="USD")
    assert cost == pytest.approx((wanted["input"] * 1000 + wanted["output"] * 2000) / 1e6)
    assert total(text, "poolkeeper_spend_total", kind="answer") == pytest.approx(cost)
    assert total(text, "poolkeeper_client_spend_total") == pytest.approx(cost)


def test_a_breaker_is_open_since_its_first_failure(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    a.set("error500")

    def since() -> float:
        series = {"endpoint": "a", "cause": "breaker"}
        return total(router.metrics(), "poolkeeper_endpoint_unavailable_since_seconds", **series)

    assert since() == 0
    eventually(lambda: not router.ask().is_success and since() > 0, "the breaker opens")
    first = since()
    changes = len(router.state().transitions)
    eventually(
        lambda: not router.ask().is_success and len(router.state().transitions) > changes + 3, "it is tried again"
    )
    assert since() == first
    a.set("ok")
    eventually(lambda: router.ask().is_success and router.endpoint("a").breaker == "Closed", "it closes")
    assert since() == 0


def test_the_active_tier_of_a_model(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a), endpoint("b", b, tier=3), policy=policy(circuit_breaker=STAYS_OPEN))
    assert total(router.metrics(), "poolkeeper_active_tier", model=MODEL) == 0
    a.set("error500")
    eventually(lambda: router.ask().is_success and router.endpoint("a").breaker == "Open", "the breaker of a opens")
    assert total(router.metrics(), "poolkeeper_active_tier", model=MODEL) == 3
    b.set("error500")
    eventually(lambda: not router.ask().is_success and router.endpoint("b").breaker == "Open", "and that of b")
    assert total(router.metrics(), "poolkeeper_active_tier", model=MODEL) == -1


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: package prometheus)")
def test_promtool_has_nothing_against_a_scrape(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a, pricing=PRICING))
    assert router.ask().is_success
    done = subprocess.run(["promtool", "check", "metrics"], input=router.metrics(), capture_output=True, text=True)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("poolkeeper_")]
    assert said == []


def test_a_scrape_is_compressed_for_who_accepts_that(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    url = f"{router.admin}/metrics"
    with plain_http.Client(headers={"accept-encoding": "identity"}) as client:
        plain = client.get(url)
        packed = client.get(url, headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.num_bytes_downloaded < len(plain.content) / 5
    assert names(packed.text) == names(plain.text)


def test_a_scrape_of_the_largest_pool_lets_others_have_their_turn(router: Router) -> None:
    served = tuple(f"model-{number}" for number in range(64))
    router.serve(
        *(endpoint(f"e{number}", models=models(*served), credential=None) for number in range(32)), models=served
    )
    url, answered = f"{router.admin}/metrics", 0
    scraped: list[str] = []
    scrape = threading.Thread(target=lambda: scraped.append(plain_http.get(url, timeout=60).text))

    with plain_http.Client(base_url=router.admin) as client:
        client.get("/healthz")
        scrape.start()
        while scrape.is_alive():
            answered += client.get("/healthz").is_success
    scrape.join()

    lines = [line for line in scraped[0].splitlines() if not line.startswith("#")]
    assert 10_000 < len(lines) < 40_000
    assert total(scraped[0], "poolkeeper_series_dropped_total") == 0
    assert answered > 10
