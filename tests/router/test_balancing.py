"""Who gets how much: weights that follow the endpoints, conversations that stay together, shares among tiers."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import httpx
import pytest

from poolkeeper import clock
from router.harness import PATIENCE_S, Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.harness import FakeProvider
from testing.fakes.player import EVENT_STREAM, Player, whole

BY_HEADER = {"balancing": {"affinity": {"mode": "Header", "header": "x-session-id", "ttl_ms": 600_000}}}
SUMS = re.compile(r"poolkeeper_cost_total|\w+_sum\{")
BY_PREFIX = {"balancing": {"affinity": {"mode": "Prefix", "header": "x-session-id", "ttl_ms": 600_000}}}


def served_by(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.headers["x-poolkeeper-endpoint"]


def shares(ask: Callable[[int], httpx.Response], count: int, at_once: int = 1) -> Counter[str]:
    """How many of so many requests each endpoint answers."""
    with ThreadPoolExecutor(at_once) as callers:
        return Counter(served_by(answer) for answer in callers.map(ask, range(count)))


def broken(router: Router) -> dict[str, int]:
    """Of poolkeeper_affinity_broken_total, by endpoint."""
    lines = [line for line in router.metrics().splitlines() if line.startswith("poolkeeper_affinity_broken_total{")]
    return {line.split('"')[1]: int(line.split()[-1]) for line in lines if not line.endswith(" 0")}


# --- weights


@pytest.mark.paced
def test_weights_self_correct_when_an_endpoint_slows(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a, base_latency_ms=200), endpoint("b", b, base_latency_ms=200))
    for fake in (a, b):
        fake.set("ok", first_token_ms=10)
    before = shares(lambda _: router.ask(), 60, at_once=4)

    a.set("ok", first_token_ms=700)
    shares(lambda _: router.ask(), 20, at_once=4)  # it has to be met to be known
    slow = shares(lambda _: router.ask(), 80, at_once=4)

    assert min(before["a"], before["b"]) > 15
    assert slow["b"] > 3 * slow["a"]
    assert router.endpoint("a").weight < router.endpoint("b").weight / 3


@pytest.mark.paced
def test_an_endpoint_that_falls_silent_loses_its_share_before_anybody_s_deadline(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    """Of a hundred requests in two seconds half would else wait for it until firstToken is over."""
    patient = policy(timeouts={"first_token_ms": 60_000}, circuit_breaker={"consecutive_failures": 1})
    router.serve(endpoint("a", a, base_latency_ms=20), endpoint("b", b, base_latency_ms=20), policy=patient)
    shares(lambda _: router.ask(), 20, at_once=4)
    asked_before = len(a.requests())
    a.set("hang_before_headers")

    with ThreadPoolExecutor(100) as callers:
        waiting = []
        for _ in range(100):
            waiting.append(callers.submit(router.ask))
            time.sleep(0.02)
        silent = len(a.requests()) - asked_before
        a.set("refuse", drop=True)  # who waits is answered by the other one
        answers = [each.result() for each in waiting]

    assert 0 < silent <= 30
    assert Counter(served_by(answer) for answer in answers) == {"b": 100}


def test_round_robin_goes_around_by_weight(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    around = policy(balancing={"algorithm": "RoundRobin"})
    router.serve(endpoint("a", a, weight=300), endpoint("b", b), policy=around)

    assert shares(lambda _: router.ask(), 40) == {"a": 30, "b": 10}


def test_an_endpoint_that_is_undrained_starts_slowly(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    slowly = policy(balancing={"slow_start_ms": 3_600_000})
    router.serve(endpoint("a", a), endpoint("b", b), policy=slowly)
    assert router.endpoint("a").weight == router.endpoint("b").weight

    router.serve(endpoint("a", a, mode="Draining"), endpoint("b", b), policy=slowly)
    router.serve(endpoint("a", a), endpoint("b", b), policy=slowly)

    assert router.endpoint("a").weight == router.endpoint("b").weight / 10
    router.serve(endpoint("a", a), endpoint("b", b, max_connections=60), policy=slowly)  # an edit elsewhere: it goes on
    assert router.endpoint("a").weight == router.endpoint("b").weight / 10


def test_an_endpoint_whose_breaker_closed_starts_slowly(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    quick = {"circuit_breaker": {"consecutive_failures": 1, "recovery_timeout_ms": 50, "half_open_max_requests": 1}}
    router.serve(endpoint("a", a), endpoint("b", b), policy=policy(**quick, balancing={"slow_start_ms": 3_600_000}))
    a.set("error500")
    eventually(lambda: router.ask().is_success and router.endpoint("a").breaker == "Open", "the breaker opens")
    a.set("ok")

    eventually(lambda: router.ask().is_success and router.endpoint("a").breaker == "Closed", "it closes again")

    assert router.endpoint("a").weight < router.endpoint("b").weight / 5


# --- affinity


def ask_as(router: Router, session: str) -> httpx.Response:
    return router.ask(headers={"X-Session-Id": session})


def _again(router: Router, session: str, _: int) -> httpx.Response:
    return ask_as(router, session)


def test_a_session_stays_on_its_endpoint(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a), endpoint("b", b), policy=policy(**BY_HEADER))

    homes = {session: shares(partial(_again, router, session), 6) for session in map(str, range(12))}

    assert all(len(home) == 1 for home in homes.values())
    assert len({next(iter(home)) for home in homes.values()}) == 2
    assert broken(router) == {}


def test_a_conversation_stays_on_its_endpoint_turn_by_turn(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a), endpoint("b", b), policy=policy(**BY_PREFIX))
    homes = set()
    for topic in range(12):
        messages = [
            {"role": "system", "content": "Be brief. " * 200},
            {"role": "user", "content": f"What is {topic}?"},
        ]
        seen = set()
        for turn in range(4):
            seen.add(served_by(router.ask(messages=messages, stream=turn % 2 == 0)))
            messages += [{"role": "assistant", "content": f"It is {turn}."}, {"role": "user", "content": "And?"}]
        assert len(seen) == 1
        homes |= seen

    assert homes == {"a", "b"}


def test_affinity_never_overrides_health_and_what_it_cost_is_counted(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    router.serve(endpoint("a", a), endpoint("b", b), policy=policy(**BY_HEADER))
    sessions = [session for session in map(str, range(20)) if served_by(ask_as(router, session)) == "a"]
    a.set("busy503")

    assert {served_by(ask_as(router, session)) for session in sessions} == {"b"}

    assert broken(router) == {"a": len(sessions)}
    a.set("ok")
    eventually(lambda: router.endpoint("a").health != "Unhealthy", "a has no backoff any more")
    assert {served_by(ask_as(router, session)) for session in sessions} == {"a"}, "as on every other router"
    assert broken(router) == {"a": len(sessions), "b": len(sessions)}


def test_affinity_never_overrides_a_ceiling(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    for fake in (a, b):
        fake.set("ok", tokens=8, token_interval_ms=40)
    router.serve(endpoint("a", a, max_connections=4), endpoint("b", b, max_connections=20), policy=policy(**BY_HEADER))
    session = next(session for session in map(str, range(50)) if served_by(ask_as(router, session)) == "a")

    seen = shares(lambda _: _once(router, session), 16, at_once=16)

    assert seen["b"] >= 12
    assert a.stats().max_in_flight <= 4


def _once(router: Router, session: str) -> httpx.Response:
    url, headers = f"{router.url}/v1/chat/completions", {"x-session-id": session}
    return plain_http.post(url, json=request(stream=True), headers=headers, timeout=PATIENCE_S)


def test_a_request_that_names_no_session_is_placed_by_weight(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a), endpoint("b", b), policy=policy(**BY_HEADER))

    assert len(shares(lambda _: router.ask(), 40)) == 2


# --- tiers


def test_proportional_spill_shares(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    """Half of the first tier is out: 1.4 x 50 % of the requests stay there."""
    a.set("insufficient_balance")
    proportional = policy(tiers={"spill": "Proportional"}, circuit_breaker={"consecutive_failures": 10_000})
    with FakeProvider("c", keys=["sk-c"]) as c:
        router.serve(endpoint("a", a), endpoint("b", b), endpoint("c", c, tier=1), policy=proportional)
        eventually(lambda: router.ask().is_success and router.endpoint("a").health == "Unhealthy", "a is known as out")

        seen = shares(lambda _: router.ask(), 200, at_once=4)

    assert 0.55 < seen["b"] / 200 < 0.85
    assert seen["c"] == 200 - seen["b"]


def test_strict_spill_keeps_all_in_the_tier(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("insufficient_balance")
    with FakeProvider("c", keys=["sk-c"]) as c:
        router.serve(endpoint("a", a), endpoint("b", b), endpoint("c", c, tier=1))

        assert shares(lambda _: router.ask(), 30) == {"b": 30}


MANUAL: dict[str, Mapping[str, object]] = {
    "failback": {"mode": "Manual"},
    "circuit_breaker": {"consecutive_failures": 1},
}


def fall(router: Router, a: FakeProvider) -> None:
    """The first tier's breaker opens, and its half-open requests close it again."""
    a.set("error500")
    eventually(lambda: router.ask().is_success and router.endpoint("a").breaker == "Open", "a is out")
    a.set("ok")
    eventually(lambda: router.ask().is_success and router.endpoint("a").breaker == "Closed", "a is back")


def test_failback_by_hand_stays_below_until_it_is_said(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    pool = (endpoint("a", a), endpoint("b", b, tier=1))
    router.serve(*pool, policy=policy(**MANUAL))
    assert served_by(router.ask()) == "a"

    fall(router, a)

    assert shares(lambda _: router.ask(), 10) == {"b": 10}
    state = router.state()
    assert state.active_tier == 1
    assert [held.tier for held in state.failback.held] == [1]
    said = {"failback": {"mode": "Manual", "told_at": "2026-11-22T08:00:00Z"}}
    router.serve(*pool, policy=policy(**MANUAL | said))
    assert shares(lambda _: router.ask(), 10) == {"a": 10}
    assert router.state().failback.held == ()


def test_a_tier_that_is_full_or_in_backoff_is_not_left_for_good(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=policy(**MANUAL))
    a.set("rate_limit")
    assert served_by(router.ask()) == "b"
    a.set("ok")

    eventually(lambda: served_by(router.ask()) == "a", "the first tier serves again")


def test_a_router_that_starts_later_begins_where_the_others_are(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    held = ({"model": request()["model"], "tier": 1},)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=policy(failback={"mode": "Manual", "held": held}))

    assert served_by(router.ask()) == "b"


def test_a_change_of_tiers_cuts_no_request(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    a.set("ok", tokens=30, token_interval_ms=20)
    pool = (endpoint("a", a), endpoint("b", b, tier=1))
    router.serve(*pool)

    with router.stream() as answer:
        parts = answer.iter_lines()
        next(parts)
        router.serve(*pool, failover_to_tier=1)
        assert served_by(router.ask()) == "b"
        router.serve(endpoint("a", a, mode="Draining"), pool[1])
        events = [json.loads(line[6:]) for line in parts if line.startswith("data: {")]

    assert answer.headers["x-poolkeeper-endpoint"] == "a"
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_region_is_reported_once_for_all_series(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a, region='far "east"'))

    assert router.endpoint("a").region == 'far "east"'
    assert (
        'poolkeeper_endpoint_info{endpoint="a",provider="DeepSeek",region="far \\"east\\"",tier="0"} 1'
        in router.metrics()
    )


# --- time and money


def windows(percent: int, hours_from_now: int) -> dict[str, object]:
    """One window of two hours around now, or so many hours later."""
    start = (clock.now() + timedelta(hours=hours_from_now - 1)).strftime("%H:%M").split(":")
    from_minute = int(start[0]) * 60 + int(start[1])
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    said = {"days": days, "from_minute": from_minute, "to_minute": (from_minute + 120) % 1440, "time_zone": "UTC"}
    return {"schedule": ({**said, "percent": percent},)}


UTC_ONLY = ({"name": "UTC", "offsets": ({"since_s": 0, "offset_s": 0},)},)


def test_a_schedule_moves_traffic_within_its_window(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a, **windows(400, 0)), endpoint("b", b, **windows(0, 6)), time_zones=UTC_ONLY)
    seen = shares(lambda _: router.ask(), 100)
    assert seen["a"] > 2 * seen["b"] > 0

    router.serve(endpoint("a", a, **windows(0, 0)), endpoint("b", b, tier=1), time_zones=UTC_ONLY)

    assert shares(lambda _: router.ask(), 10) == {"b": 10}
    assert router.endpoint("a").reason == "OffSchedule"


def test_what_answers_cost_is_counted(router: Router, a: FakeProvider) -> None:
    pricing = {"currency": "USD", "input_per_million": "1000", "output_per_million": "2000"}
    router.serve(endpoint("a", a, pricing=pricing))
    usage = router.ask().json()["usage"]
    assert router.ask(stream=True).status_code == 200

    spent = usage["prompt_tokens"] * 0.001 + usage["completion_tokens"] * 0.002
    (line,) = [line for line in router.metrics().splitlines() if line.startswith("poolkeeper_cost_total{")]
    assert line.startswith('poolkeeper_cost_total{endpoint="a",currency="USD"} ')
    assert float(line.split()[-1]) == pytest.approx(2 * spent)


@pytest.mark.parametrize("said", ["NaN", '"nan"', "-7", "1e308", "1e999", "null"])
def test_an_account_that_is_none_spoils_no_sum(router: Router, a: FakeProvider, said: str) -> None:
    usage = '{"prompt_tokens":N,"completion_tokens":N,"prompt_tokens_details":{"cached_tokens":N}}'.replace("N", said)
    text = '{"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}],"usage":' + usage + "}"
    stream = b"data: %b\n\ndata: [DONE]\n\n" % text.encode()
    pricing = {"currency": "USD", "input_per_million": "1000", "output_per_million": "2000"}
    with Player(lambda: iter([whole(EVENT_STREAM, stream)])) as odd:
        router.serve(endpoint("odd", port=odd.port, pricing=pricing))

        assert router.ask(stream=True).status_code == 200

        sums = [float(line.split()[-1]) for line in router.metrics().splitlines() if SUMS.match(line)]
        assert sums and all(0 <= spent < 1e6 for spent in sums)
