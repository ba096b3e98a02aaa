"""The cost that a router counts is what its providers bill, to the cent: retries, hedges, cut streams, cache hits."""

import contextlib

import httpx
import pytest

from poolkeeper.api.router_document import HedgingDoc
from router.harness import Router, endpoint, eventually, policy
from scrape import total
from testing.fakes.bill import Prices, bill
from testing.fakes.harness import FakeProvider

PRICES = Prices(input=40, cached=4, output=160)
ALWAYS = {
    "days": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    "from_minute": 0,
    "to_minute": 1440,
    "percent": 150,
}
SYSTEM = "You answer questions about a long text. " * 40
CENT = 0.01
ROUNDS = 12
WARM = 6
"""Requests until the provider has the system prompt in its cache, and the router has learned so."""


def pricing(prices: Prices, *windows: dict[str, object]) -> dict[str, object]:
    return {
        "currency": "USD",
        "input_per_million": str(prices.input),
        "cached_input_per_million": str(prices.cached),
        "output_per_million": str(prices.output),
        "windows": [{**window, "time_zone": "UTC"} for window in windows],
    }


def ask(router: Router, number: int, *, stream: bool) -> None:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"Question {number}?"}]
    with contextlib.suppress(httpx.RemoteProtocolError):
        router.ask(stream=stream, messages=messages)


@pytest.mark.slow
def test_cost_is_the_providers_bill_to_the_cent(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    dearer = Prices(PRICES.input, PRICES.cached, PRICES.output, percent=150)
    unhedged = policy(
        circuit_breaker={"consecutive_failures": 0},
        retry={"busy_backoff_ms": (1,), "budget_percent": 100},
        streaming={"recovery": "Restart"},
    )
    endpoints = (
        endpoint("a", a, pricing=pricing(PRICES)),
        endpoint("b", b, tier=1, pricing=pricing(dearer, ALWAYS)),
    )
    utc = [{"name": "UTC", "offsets": [{"since_s": 0, "offset_s": 0}]}]
    router.serve(*endpoints, policy=unhedged, time_zones=utc)
    b.set("ok", tokens=60)
    number = WARM
    for early in range(WARM):
        ask(router, early, stream=True)
    for _ in range(ROUNDS):
        for scenario, params in (
            ("ok", {"tokens": 60}),
            ("cut", {"tokens": 60, "after_chunks": 25}),
            ("busy503", {}),
            ("ok", {"tokens": 60}),
        ):
            a.set(scenario, surfaces=None, **params)
            for stream in (True, True, False) if scenario in ("ok", "busy503") else (True, True):
                number += 1
                ask(router, number, stream=stream)
    # Hedged are only answers that are late beyond doubt: of two that come at the same moment, nobody knows what the
    # slower provider had begun when it was left. So the router learns alone with "a" how fast that is.
    hedged = unhedged.model_copy(update={"hedging": HedgingDoc(after_percentile=50, budget_percent=100)})
    router.serve(endpoints[0], policy=hedged, time_zones=utc)
    for _ in range(2 * ROUNDS):
        number += 1
        ask(router, number, stream=True)
    router.serve(*endpoints, policy=hedged, time_zones=utc)
    a.set("slow_first_token", surfaces=None, first_token_ms=300, tokens=60, early_headers=True)
    for _ in range(2 * ROUNDS):
        number += 1
        ask(router, number, stream=True)

    eventually(lambda: total(router.metrics(), "poolkeeper_responses_total") == number, "all are counted")
    text = router.metrics()
    billed_a, billed_b = bill(a.log(), PRICES), bill(b.log(), dearer)
    assert billed_a > 10 * CENT
    assert billed_b > 10 * CENT
    assert total(text, "poolkeeper_cost_total", endpoint="a") == pytest.approx(billed_a, abs=CENT)
    assert total(text, "poolkeeper_cost_total", endpoint="b") == pytest.approx(billed_b, abs=CENT)
    assert total(text, "poolkeeper_spend_total", kind="cut") > 0
    assert total(text, "poolkeeper_spend_total", kind="hedge") > 0
    assert total(text, "poolkeeper_spend_total") == pytest.approx(total(text, "poolkeeper_cost_total"))
