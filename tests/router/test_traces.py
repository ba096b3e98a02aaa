"""`poolkeeper traces`: a real collector's protocol, a real router: spans are what its log says and what was sent."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from poolkeeper.api.request_line import RequestLine
from router.harness import MODEL, STAYS_OPEN, Router, endpoint, eventually, policy
from testing.fakes.harness import FakeProvider
from testing.fakes.otlp import Collector, Got

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
PRICING = {"currency": "USD", "input_per_million": "1000", "output_per_million": "2000"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@contextmanager
def exporting(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "poolkeeper", "traces", *arguments]
    process = subprocess.Popen(
        command, env={**ENVIRONMENT, **environment}, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stderr is not None
        assert "go to" in process.stderr.readline()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def milliseconds(shown: str) -> int:
    return round(datetime.fromisoformat(shown).timestamp() * 1000)


def compare(line: RequestLine, spans: list[Got]) -> None:
    of_line = {one.span: one for one in spans if one.trace == line.trace}
    request = of_line.pop(line.span)
    assert (request.kind, request.parent) == ("SERVER", line.parent)
    assert request.start_ns == milliseconds(line.time) * 1_000_000
    assert request.end_ns - request.start_ns == line.duration_ms * 1_000_000
    assert request.attributes["poolkeeper.outcome"] == line.outcome
    assert request.attributes["http.response.status_code"] == line.status
    assert request.attributes.get("gen_ai.request.model", "") == line.model
    assert of_line.keys() == {one.span for one in line.attempts}
    for attempt in line.attempts:
        span = of_line[attempt.span]
        assert (span.kind, span.parent) == ("CLIENT", line.span)
        assert span.start_ns == request.start_ns + attempt.start_ms * 1_000_000
        assert span.end_ns - span.start_ns == attempt.duration_ms * 1_000_000
        assert span.is_error == bool(attempt.class_)
        shown = span.attributes
        assert shown["poolkeeper.endpoint"] == attempt.endpoint
        assert shown.get("poolkeeper.class", "") == attempt.class_
        assert shown.get("http.response.status_code") == attempt.status
        tokens = attempt.tokens
        assert shown.get("gen_ai.usage.input_tokens") == (tokens.input if tokens else None)
        assert shown.get("gen_ai.usage.output_tokens") == (tokens.output if tokens else None)
        assert shown.get("poolkeeper.cost") == attempt.cost


def test_spans_are_what_the_log_says_and_what_was_sent(
    router: Router, a: FakeProvider, b: FakeProvider, collector: Collector
) -> None:
    router.serve(
        endpoint("a", a, pricing=PRICING),
        endpoint("b", b, tier=1, provider="VLLM", pricing=PRICING),
        policy=policy(circuit_breaker=STAYS_OPEN, retry={"busy_backoff_ms": (1,), "budget_percent": 100}),
    )
    with exporting("--file", str(router.request_log_file), "--endpoint", collector.url):
        a.set("busy503")
        router.ask(stream=True, headers={"traceparent": f"00-{TRACE}-{CALLER}-01", "x-request-id": "traced"})
        for scenario in ("ok", "error500", "rate_limit", "cut", "bad_request"):
            a.set(scenario)
            for number in range(4):
                router.client.post("/v1/chat/completions", json={**ASKED, "stream": number % 2 == 0}).read()
        router.ask(model="unknown")
        eventually(lambda: len(router.request_log()) == 22, "all lines are written")
        lines = [RequestLine.model_validate_json(text) for text in router.request_log()]
        want = sum(1 + len(line.attempts) for line in lines)
        eventually(lambda: len(collector.spans) >= want, f"{want} spans came, seen {len(collector.spans)}")

    assert len(collector.spans) == want
    for line in lines:
        compare(line, collector.spans)
    for name, fake in (("a", a), ("b", b)):
        calls = [one for one in collector.spans if one.attributes.get("poolkeeper.endpoint") == name]
        assert len(calls) == len(fake.log())
    traced = [one for one in collector.spans if one.trace == TRACE]
    request = next(one for one in traced if one.kind == "SERVER")
    first, second = sorted((one for one in traced if one.kind == "CLIENT"), key=lambda one: one.start_ns)
    assert request.parent == CALLER
    assert [fake.log()[0].headers["traceparent"] for fake in (a, b)] == [
        f"00-{TRACE}-{one.span}-01" for one in (first, second)
    ]
    assert request.name == first.name == f"chat {MODEL}"
    assert request.attributes["gen_ai.operation.name"] == "chat"
    assert request.attributes["poolkeeper.request"] == "traced"
    assert (first.attributes["gen_ai.provider.name"], second.attributes["gen_ai.provider.name"]) == ("deepseek", "vllm")
    assert (first.attributes["error.type"], first.is_error, second.is_error) == ("busy", True, False)
    assert isinstance(second.attributes["gen_ai.response.time_to_first_chunk"], float)
    assert request.resource["service.name"] == "poolkeeper-router"


ASKED = {"model": MODEL, "messages": [{"role": "user", "content": "hidden-question"}]}


def test_what_the_collector_does_not_take_is_sent_later(router: Router, a: FakeProvider, collector: Collector) -> None:
    router.serve(endpoint("a", a))
    collector.status = 503
    quick = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=seven"}
    arguments = ("--file", str(router.request_log_file), "--endpoint", collector.url)
    with exporting(*arguments, OTEL_EXPORTER_OTLP_COMPRESSION="gzip", **quick) as process:
        router.ask()
        eventually(lambda: collector.refused > 1, "the exporter, which tries twice by itself, has given up")
        collector.status = 200
        router.ask()
        eventually(lambda: len(collector.spans) == 4, "all spans came")
    assert process.stderr is not None
    said = process.stderr.read()

    assert len({one.span for one in collector.spans}) == 4
    assert "the collector does not take spans" in said
    assert "all is sent again" in said
    assert {one["x-tenant"] for one in collector.headers} == {"seven"}
    assert "hidden-question" not in str(collector.spans)


def test_a_log_from_standard_input_without_what_the_caller_does_not_record(
    router: Router, a: FakeProvider, collector: Collector, tmp_path: Path
) -> None:
    router.serve(endpoint("a", a))
    router.ask(headers={"traceparent": f"00-{TRACE}-{CALLER}-00"})
    router.ask(headers={"traceparent": f"00-{'a' * 32}-{CALLER}-01"})
    eventually(lambda: len(router.request_log()) == 2, "both lines are written")
    assert [json.loads(text).get("sampled", True) for text in router.request_log()] == [False, True]
    log = tmp_path / "given.log"
    log.write_text("nginx says this\n{}\n[pod/chat-router-1] " + "\n".join(router.request_log()) + '\n{"time":')

    with log.open() as given:
        command = [sys.executable, "-m", "poolkeeper", "traces", "--file", "-"]
        done = subprocess.run(
            command,
            stdin=given,
            env={**ENVIRONMENT, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert f"2 spans sent to {collector.url}" in done.stderr
    assert {one.trace for one in collector.spans} == {"a" * 32}
