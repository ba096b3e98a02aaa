"""Spans from a line of the request log: its ids and times, OpenTelemetry's names; nothing from an unsound line."""

import json
from collections.abc import Mapping

import pytest

from poolkeeper.telemetry.spans import ERROR_TYPES, OPERATIONS, OTHER, Span, line_of, spans_of
from testing.router_lua import runtime

LINE: Mapping[str, object] = {
    "time": "2026-11-29T08:00:00.123Z",
    "request": "mine-1",
    "trace": "a" * 32,
    "span": "b" * 16,
    "parent": "c" * 16,
    "pool": "team/chat",
    "generation": 3,
    "client": "web",
    "api": "chat",
    "model": "deepseek-v4-pro",
    "stream": True,
    "status": 200,
    "outcome": "ok",
    "duration_ms": 1234,
    "first_token_ms": 80,
    "attempts": [
        {
            "endpoint": "official",
            "tier": 0,
            "provider_name": "deepseek",
            "provider_model": "deepseek-chat",
            "span": "d" * 16,
            "start_ms": 1,
            "duration_ms": 12,
            "status": 503,
            "class": "Busy",
        },
        {
            "endpoint": "local",
            "tier": 1,
            "provider_name": "vllm",
            "provider_model": "m",
            "span": "e" * 16,
            "start_ms": 13,
            "duration_ms": 1200,
            "first_token_ms": 60,
            "status": 200,
            "kind": "answer",
            "tokens": {"input": 12, "cached_input": 2, "output": 34, "reasoning": 5},
            "cost": 0.0012,
            "currency": "USD",
        },
    ],
}
BEGAN_NS = 1795939200_123_000_000


def made(changes: Mapping[str, object]) -> list[Span]:
    line = line_of(json.dumps({**LINE, **changes}, separators=(",", ":")))
    return list(spans_of(line)) if line else []


def attempts(**changes: object) -> list[object]:
    known = LINE["attempts"]
    assert isinstance(known, list)
    return [{**known[0], **changes}, known[1]]


def test_a_request_and_its_attempts() -> None:
    request, first, second = made({})

    assert (request.span_id, request.parent, request.is_call) == ("b" * 16, "c" * 16, False)
    assert (request.start_ns, request.end_ns) == (BEGAN_NS, BEGAN_NS + 1_234_000_000)
    assert [(one.span_id, one.parent, one.is_call) for one in (first, second)] == [
        ("d" * 16, "b" * 16, True),
        ("e" * 16, "b" * 16, True),
    ]
    assert (second.start_ns, second.end_ns) == (BEGAN_NS + 13_000_000, BEGAN_NS + 1_213_000_000)
    assert {one.trace for one in (request, first, second)} == {"a" * 32}
    assert [one.is_error for one in (request, first, second)] == [False, True, False]
    assert (request.name, first.name) == ("chat deepseek-v4-pro", "chat deepseek-chat")


def test_names_are_opentelemetrys_and_tokens_are_on_attempts_alone() -> None:
    request, first, second = made({})

    assert request.attributes["gen_ai.request.model"] == "deepseek-v4-pro"
    assert request.attributes["gen_ai.response.time_to_first_chunk"] == 0.08
    assert not any(name.startswith("gen_ai.usage") for name in request.attributes)
    assert (first.attributes["error.type"], first.attributes["gen_ai.provider.name"]) == ("busy", "deepseek")
    assert second.attributes["gen_ai.response.model"] == "m"
    usage = {name: value for name, value in second.attributes.items() if name.startswith("gen_ai.usage")}
    assert usage == {
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.usage.output_tokens": 34,
        "gen_ai.usage.reasoning.output_tokens": 5,
    }
    assert "gen_ai.usage.input_tokens" not in first.attributes


@pytest.mark.parametrize(
    ("outcome", "status", "want_error"),
    [("ok", 200, ""), ("cut", 200, "cut"), ("error", 503, "error"), ("shed", 503, "shed"), ("refused", 400, ""),
     ("client_gone", 499, ""), ("default", 200, "")],
)  # fmt: skip
def test_a_request_is_an_error_where_its_caller_was_let_down(outcome: str, status: int, want_error: str) -> None:
    request = made({"outcome": outcome, "status": status})[0]
    assert (request.is_error, request.attributes.get("error.type", "")) == (bool(want_error), want_error)


def test_words_are_those_of_the_routers_metrics() -> None:
    lua = runtime()
    classes = [name.decode() for name in lua.eval(b'require("core.error.outcome").CLASSES')]
    error_type = lua.eval(b'require("core.metrics.values").error_type')
    operation = lua.eval(b'require("core.metrics.values").operation')
    surfaces = ["chat", "messages", "responses", *OPERATIONS]

    assert len(classes) > 10
    assert {one: ERROR_TYPES.get(one, OTHER) for one in classes} == {
        one: error_type(one.encode()).decode() for one in classes
    }
    assert {one: OPERATIONS.get(one, "chat") for one in surfaces} == {
        one: operation(one.encode()).decode() for one in surfaces
    }


def test_none_where_the_caller_records_no_trace() -> None:
    assert made({"sampled": False}) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"trace": "a" * 31},
        {"trace": "A" * 32},
        {"span": ""},
        {"span": "b" * 15 + "\n"},
        {"parent": "x" * 16},
        {"time": "yesterday"},
        {"time": "9999999-01-01T00:00:00Z"},
        {"duration_ms": -1},
        {"duration_ms": 2**62},
        {"attempts": attempts(span="short")},
        {"attempts": attempts(start_ms=-5)},
        {"attempts": attempts(duration_ms=2**70)},
    ],
)
def test_a_line_that_is_not_sound_is_none(changes: Mapping[str, object]) -> None:
    assert made(changes) == []


def test_a_number_that_the_protocol_has_no_room_for_is_left_out() -> None:
    first = made({"attempts": attempts(status=2**80, tier=10**30)})[1]
    assert not {"http.response.status_code", "poolkeeper.tier"} & first.attributes.keys()


@pytest.mark.parametrize("text", ["", "nginx: [warn]", '{"time":', '{"level":"info"}', "[]", '{"time":3}'])
def test_other_lines_of_a_log_are_none(text: str) -> None:
    assert line_of(text) is None
