"""Ten thousand mixed requests through several workers: the log, the metrics, and what providers and callers counted
themselves are the same numbers."""

import contextlib
import random
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from poolkeeper.api.request_line import RequestLine
from poolkeeper.api.router_document import AccessDoc, ClientDoc
from router.harness import MODEL, PEER_RESET, Router, endpoint, eventually, policy
from router.test_request_log import PRICING, counted
from scrape import total
from testing import plain_http
from testing.fakes.harness import FakeProvider

REQUESTS, CALLERS, SEED = 10_000, 6, 15
SCENARIOS = (
    ("ok", "ok"), ("cut", "ok"), ("cut", "cut"), ("bad_request", "ok"), ("empty_content", "ok"), ("error500", "ok"),
    ("ok", "error500"), ("busy503", "ok"), ("rate_limit", "busy503"),
)  # fmt: skip
"""Of the two providers, round by round. Those that open breakers or set back-offs come last."""
PARAMETERS: Mapping[str, Mapping[str, Any]] = {"ok": {"tokens": 8}, "cut": {"after_chunks": 4}}
CLIENTS = tuple(
    ClientDoc(name=name, key_file=name, source=f"Secret clients, key {name}", max_connections=100)
    for name in ("web", "batch")
)


@dataclass
class Seen:
    """What a caller counted."""

    statuses: Counter[int] = field(default_factory=Counter)


def call(router: Router, seed: int, count: int) -> Seen:
    drawn, seen = random.Random(seed), Seen()
    with plain_http.Client(base_url=router.url, timeout=60) as client:
        for _ in range(count):
            model = "unknown" if drawn.random() < 0.03 else MODEL
            key = "wrong-key-of-nobody" if drawn.random() < 0.03 else f"client-key-{drawn.choice(CLIENTS).name}"
            body = {
                "model": model,
                "stream": drawn.random() < 0.5,
                "messages": [{"role": "user", "content": "Say something." * drawn.randint(1, 20)}],
            }
            leaves = drawn.random() < 0.02
            trace = f"00-{drawn.getrandbits(127) + 1:032x}-{drawn.getrandbits(63) + 1:016x}-01"
            headers = {"authorization": f"Bearer {key}", "traceparent": trace}
            with (
                contextlib.suppress(httpx.RemoteProtocolError),  # an answer that was cut
                client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer,
            ):
                seen.statuses[answer.status_code] += 1
                if not leaves:
                    answer.read()
    return seen


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_mixed_requests_add_up(tmp_path: Path) -> None:
    with (
        FakeProvider("a", keys=["sk-a"], process=True) as a,
        FakeProvider("b", keys=["sk-b"], process=True) as b,
        Router(tmp_path, workers=3, allowed_errors=f"{PEER_RESET}|limiting|client") as router,
    ):
        for one in CLIENTS:
            router.write_key(one.name, f"client-key-{one.name}", folder="clients")
        router.serve(
            endpoint("a", a, pricing=PRICING),
            endpoint("b", b, tier=1, pricing=PRICING),
            access=AccessDoc(mode="Keys", clients=CLIENTS),
            policy=policy(
                circuit_breaker={"consecutive_failures": 0, "minimum_requests": 10_000},
                retry={"busy_backoff_ms": (1,), "budget_percent": 100, "honor_retry_after": False},
            ),
        )
        callers = list[Seen]()
        with ThreadPoolExecutor(CALLERS) as pool:
            for round_, scenarios in enumerate(SCENARIOS):
                for fake, scenario in zip((a, b), scenarios, strict=True):
                    fake.set(scenario, **PARAMETERS.get(scenario, {}))
                each = REQUESTS // len(SCENARIOS) // CALLERS + 1
                seeds = [SEED + round_ * CALLERS + number for number in range(CALLERS)]
                callers += pool.map(lambda seed, count=each: call(router, seed, count), seeds)
        asked = sum(sum(seen.statuses.values()) for seen in callers)
        eventually(router.is_idle, "all attempts have ended")
        eventually(lambda: total(router.metrics(), "poolkeeper_responses_total") == asked, "all are counted")
        eventually(lambda: len(router.request_log()) == asked, f"{asked} lines are written")
        text = router.metrics()
        lines = [RequestLine.model_validate_json(line) for line in router.request_log()]
        heard = {
            entry.headers["traceparent"].split("-")[2]: name
            for name, fake in (("a", a), ("b", b))
            for entry in fake.log()
        }
    attempts = [attempt for line in lines for attempt in line.attempts]

    assert asked >= REQUESTS
    assert len(attempts) > REQUESTS, "no breaker and no back-off keeps the requests from being sent"
    assert len({line.span for line in lines} | {one.span for one in attempts}) == len(lines) + len(attempts)
    assert {one: Counter(line.status for line in lines)[one] for one in (200, 400, 401, 404)} == {
        one: sum(seen.statuses[one] for seen in callers) for one in (200, 400, 401, 404)
    }
    assert counted(text, "poolkeeper_responses_total", "outcome") == Counter(line.outcome for line in lines)
    assert counted(text, "poolkeeper_attempts_total", "endpoint") == Counter(one.endpoint for one in attempts)
    unheard = [one for one in attempts if one.span not in heard]
    assert {one.span: one.endpoint for one in attempts if one not in unheard} == heard
    assert {(one.class_, one.status) for one in unheard} <= {("ClientGone", None)}, (
        "only of a caller that left as the attempt began may a provider not know"
    )
    assert counted(text, "poolkeeper_upstream_errors_total", "class") == Counter(
        one.class_ for one in attempts if one.class_
    )
    assert counted(text, "poolkeeper_upstream_responses_total", "status") == Counter(
        "none" if one.status is None else str(one.status) for one in attempts
    )
    assert total(text, "poolkeeper_request_attempts_sum") == len(attempts)
    for kind in ("input", "cached_input", "output", "reasoning"):
        spent = sum(getattr(one.tokens, kind) for one in attempts if one.tokens)
        assert total(text, "poolkeeper_tokens_total", type=kind) == spent
        for client in ("web", "batch"):
            of_client = sum(
                getattr(one.tokens, kind)
                for line in lines
                for one in line.attempts
                if line.client == client and one.tokens
            )
            assert total(text, "poolkeeper_client_tokens_total", type=kind, client=client) == of_client
    cost: Mapping[str, float] = {
        name: sum(one.cost for one in attempts if one.cost is not None and one.endpoint == name) for name in ("a", "b")
    }
    for name, spent_there in cost.items():
        assert total(text, "poolkeeper_cost_total", endpoint=name) == pytest.approx(spent_there, rel=1e-6)
        assert spent_there > 0
    assert {"ok", "cut", "error", "refused", "client_gone"} == {line.outcome for line in lines}
