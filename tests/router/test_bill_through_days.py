"""Days of a provider with dear hours and holidays, played on a turned clock, with cache hits, retries, hedges and cut
streams on each. What the router counts as cost is what the providers bill, to the cent, day by day and in all."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from poolkeeper.api.router_document import EndpointDoc, HedgingDoc
from router.harness import Router, endpoint, eventually, policy
from router.test_bill import CENT, PRICES, WARM, ask, pricing
from router.test_clock_steps import SetClock
from router.test_dates import CALENDARS, PEAK, UTC_ZONE
from scrape import total
from testing.fakes.bill import Prices, bill
from testing.fakes.harness import FakeProvider

DEAR = 250
"""Percent of the price in the provider's peak hours: on workdays from 1 to 4 o'clock (UTC), not on holidays."""
DAYS: Mapping[str, tuple[datetime, bool]] = MappingProxyType(
    {
        "a Wednesday before the peak": (datetime(2027, 2, 3, 0, 30, tzinfo=UTC), False),
        "its peak": (datetime(2027, 2, 3, 1, 30, tzinfo=UTC), True),
        "a Monday of the holidays at that hour": (datetime(2027, 2, 8, 1, 30, tzinfo=UTC), False),
        "the first workday after them": (datetime(2027, 2, 12, 3, 0, tzinfo=UTC), True),
        "the Saturday after it": (datetime(2027, 2, 13, 3, 0, tzinfo=UTC), False),
    }
)
"""When, and whether that is in the peak hours as the provider has them."""
ROUNDS = 3


@pytest.mark.slow
def test_cost_through_peaks_and_holidays_is_the_providers_bill_to_the_cent(tmp_path: Path) -> None:
    clock = SetClock(tmp_path)
    with FakeProvider("a") as a, FakeProvider("b") as b, FakeProvider("sign") as sign, clock.router(tmp_path) as router:
        dear = pricing(PRICES)
        dear["windows"] = [{**PEAK, "percent": DEAR}]
        a_doc = endpoint("a", a, pricing=dear)
        others = (
            endpoint("b", b, tier=1, pricing=pricing(PRICES)),
            # Not in use at peak hours: so a test sees that the router has the new hour's prices.
            endpoint("sign", sign, tier=9, schedule=[{**PEAK, "percent": 0}]),
        )
        b.set("ok", tokens=60)
        number, billed, counted = 0, {"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 0.0}
        for day, (at, is_dear) in DAYS.items():
            clock.step(at.timestamp() - time.time())
            known = {"a": len(a.log()), "b": len(b.log())}
            number = replay(router, a_doc, others, a, number, is_dear)
            prices = Prices(PRICES.input, PRICES.cached, PRICES.output, percent=DEAR if is_dear else 100)
            bills = {"a": bill(a.log()[known["a"] :], prices), "b": bill(b.log()[known["b"] :], PRICES)}
            for name, one in bills.items():
                cost = total(router.metrics(), "poolkeeper_cost_total", endpoint=name)
                assert cost - counted[name] == pytest.approx(one, abs=CENT), f"{name} on {day}"
                counted[name], billed[name] = cost, billed[name] + one

        text = router.metrics()
        for name in ("a", "b"):
            assert billed[name] > 10 * CENT
            assert counted[name] == pytest.approx(billed[name], abs=CENT)
        for kind in ("answer", "cut", "hedge"):
            assert total(text, "poolkeeper_spend_total", kind=kind) > 0, kind
        assert total(text, "poolkeeper_failovers_total") > 0
        assert total(text, "poolkeeper_tokens_total", type="cached_input") > 0


def replay(
    router: Router, a_doc: EndpointDoc, others: tuple[EndpointDoc, ...], a: FakeProvider, number: int, is_dear: bool
) -> int:
    """A mix of requests at one hour; returns how many there were until now. number: that there were before."""
    plain = policy(
        circuit_breaker={"consecutive_failures": 0},
        retry={"busy_backoff_ms": (1,), "budget_percent": 100},
        streaming={"recovery": "Restart"},
    )
    hedged = plain.model_copy(update={"hedging": HedgingDoc(after_percentile=50, budget_percent=100)})

    def asked(policy_now: object, *endpoints: EndpointDoc, streams: tuple[bool, ...]) -> None:
        nonlocal number
        router.serve(*endpoints, policy=policy_now, time_zones=UTC_ZONE, calendars=CALENDARS)
        for stream in streams:
            number += 1
            ask(router, number, stream=stream)

    router.serve(a_doc, *others, policy=plain, time_zones=UTC_ZONE, calendars=CALENDARS)
    eventually(lambda: (router.endpoint("sign").reason == "OffSchedule") is is_dear, "the router has the hour's prices")
    a.set("ok", surfaces=None, tokens=60)
    asked(plain, a_doc, *others, streams=(True,) * WARM)
    for _ in range(ROUNDS):
        for scenario, params, streams in (
            ("ok", {"tokens": 60}, (True, False)),
            ("cut", {"tokens": 60, "after_chunks": 25}, (True, True)),
            ("busy503", {}, (True, False)),
        ):
            a.set(scenario, surfaces=None, **params)
            asked(plain, a_doc, *others, streams=streams)
    a.set("ok", surfaces=None, tokens=60)
    asked(hedged, a_doc, streams=(True,) * (4 * ROUNDS))
    a.set("slow_first_token", surfaces=None, first_token_ms=300, tokens=60, early_headers=True)
    asked(hedged, a_doc, *others, streams=(True,) * (2 * ROUNDS))
    eventually(lambda: total(router.metrics(), "poolkeeper_responses_total") == number, "all are counted")
    return number
