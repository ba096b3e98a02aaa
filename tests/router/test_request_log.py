"""The request log: a line a request says what became of it, and all add up to the metrics and to what providers saw."""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Mapping

import httpx
import pytest

from poolkeeper.api.request_line import RequestLine
from poolkeeper.api.router_document import AccessDoc, ClientDoc
from router.harness import MODEL, STAYS_OPEN, Router, endpoint, eventually, policy
from scrape import total
from testing.fakes.harness import FakeProvider

PRICING = {"currency": "USD", "input_per_million": "1000", "output_per_million": "2000"}
WEB = AccessDoc(mode="Keys", clients=(ClientDoc(name="web", key_file="web", source="Secret keys, key web"),))
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def lines(router: Router, count: int) -> list[RequestLine]:
    eventually(lambda: len(router.request_log()) >= count, f"{count} lines are written")
    return [RequestLine.model_validate_json(line) for line in router.request_log()]


def test_a_request_that_failed_over_says_what_was_tried(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.write_key("web", "client-web", folder="clients")
    router.serve(endpoint("a", a), endpoint("b", b, tier=1, pricing=PRICING), access=WEB)
    a.set("busy503")
    key = {"authorization": "Bearer client-web"}

    answer = router.ask(stream=True, headers={"x-request-id": "mine-1", **key})

    (line,) = lines(router, 1)
    assert answer.headers["x-request-id"] == line.request == "mine-1"
    assert (line.client, line.api, line.model, line.stream) == ("web", "chat", MODEL, True)
    assert (line.status, line.outcome, line.pool) == (200, "ok", "default/chat")
    first, second = line.attempts
    assert (first.endpoint, first.status, first.class_, first.tokens) == ("a", 503, "Busy", None)
    assert (second.endpoint, second.tier, second.status, second.class_, second.kind) == ("b", 1, 200, "", "answer")
    assert second.tokens is not None
    assert second.tokens.output > 0
    assert second.cost is not None
    assert line.first_token_ms is not None
    assert line.duration_ms >= line.first_token_ms


def test_no_body_and_no_key_is_in_it(router: Router, a: FakeProvider) -> None:
    router.write_key("web", "client-web", folder="clients")
    router.serve(endpoint("a", a), access=WEB)
    headers = {"authorization": "Bearer client-web", "x-secret": "hidden-header"}

    router.ask(messages=[{"role": "user", "content": "hidden-question"}], headers=headers)
    router.ask(headers={"authorization": "Bearer hidden-key"})

    lines(router, 2)
    text = "\n".join(router.request_log())
    assert not re.search("hidden|client-web|sk-a", text)


@pytest.mark.parametrize("hostile", ['x","admin":"', "a b", "x" * 500])
def test_what_a_caller_sends_stays_a_value(router: Router, a: FakeProvider, hostile: str) -> None:
    router.serve(endpoint("a", a))
    router.ask(headers={"x-request-id": hostile})
    router.ask(model=f"{hostile} é")

    lines(router, 2)
    for text in router.request_log():
        assert "admin" not in json.loads(text)
        assert len(text) < 4096


def test_a_caller_s_trace_goes_on_with_a_span_of_its_own(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a), endpoint("b", b, tier=1))
    a.set("busy503")

    router.ask(headers={"traceparent": PARENT, "tracestate": "vendor=1"})

    (line,) = lines(router, 1)
    assert (line.trace, line.parent) == (TRACE, "00f067aa0ba902b7")
    sent = [fake.log()[-1].headers for fake in (a, b)]
    assert [one["traceparent"] for one in sent] == [f"00-{TRACE}-{attempt.span}-01" for attempt in line.attempts]
    assert len({line.span, line.parent, *(attempt.span for attempt in line.attempts)}) == 4
    assert [one["tracestate"] for one in sent] == ["vendor=1", "vendor=1"]


def test_a_bad_trace_is_replaced_and_none_is_made_up(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a))
    router.ask(headers={"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01", "tracestate": "vendor=1"})
    router.ask()

    bad, without = lines(router, 2)
    replaced, untouched = (entry.headers for entry in a.log())
    assert replaced["traceparent"] == f"00-{bad.trace}-{bad.attempts[0].span}-00"
    assert "tracestate" not in replaced
    assert "traceparent" not in untouched
    assert re.fullmatch("[0-9a-f]{32}", without.trace)


def test_a_sample_leaves_out_only_plain_answers(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), log_percent=1)
    for _ in range(30):
        router.ask()
    a.set("busy503")
    router.ask(headers={"x-request-id": "over"})

    eventually(lambda: any('"request":"over"' in line for line in router.request_log()), "the failover is written")
    assert len(router.request_log()) < 15

    router.serve(endpoint("a", a), log_percent=0)
    router.ask(headers={"x-request-id": "off"})
    router.serve(endpoint("a", a), log_percent=100)
    router.ask(headers={"x-request-id": "on"})
    eventually(lambda: any('"request":"on"' in line for line in router.request_log()), "the log is on again")
    assert not any('"request":"off"' in line for line in router.request_log())


def test_the_log_adds_up_to_the_metrics_and_to_what_providers_saw(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    router.serve(
        endpoint("a", a, pricing=PRICING),
        endpoint("b", b, tier=1, pricing=PRICING),
        policy=policy(circuit_breaker=STAYS_OPEN, retry={"busy_backoff_ms": (1,), "budget_percent": 100}),
    )
    asked = 0
    for scenario in ("ok", "error500", "busy503", "rate_limit", "cut", "bad_request", "ok"):
        a.set(scenario)
        for number in range(20):
            with contextlib.suppress(httpx.RemoteProtocolError):  # a whole answer that was cut
                router.ask(stream=bool(number % 2))
            asked += 1

    seen = lines(router, asked)
    eventually(lambda: total(router.metrics(), "poolkeeper_responses_total") == asked, "all are counted")
    text = router.metrics()
    attempts = [attempt for line in seen for attempt in line.attempts]

    assert len(seen) == asked
    assert counted(text, "poolkeeper_responses_total", "outcome") == Counter(line.outcome for line in seen)
    assert counted(text, "poolkeeper_attempts_total", "endpoint") == Counter(one.endpoint for one in attempts)
    assert counted(text, "poolkeeper_upstream_errors_total", "class") == Counter(
        one.class_ for one in attempts if one.class_
    )
    for name, fake in (("a", a), ("b", b)):
        assert sum(one.endpoint == name for one in attempts) == len(fake.log())
    for kind in ("input", "cached_input", "output", "reasoning"):
        spent = sum(getattr(one.tokens, kind) for one in attempts if one.tokens)
        assert total(text, "poolkeeper_tokens_total", type=kind) == spent
    cost = sum(one.cost for one in attempts if one.cost is not None)
    assert total(text, "poolkeeper_cost_total") == pytest.approx(cost)
    assert cost > 0


def counted(text: str, series: str, label: str) -> Mapping[str, float]:
    values = set(re.findall(rf'^{series}\{{.*?{label}="(.*?)"', text, re.MULTILINE))
    found = {value: total(text, series, **{label: value}) for value in values}
    return {value: count for value, count in found.items() if count}
