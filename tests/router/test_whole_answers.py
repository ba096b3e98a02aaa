"""streaming.wholeAnswers Stream: a whole answer is asked of the provider as a stream, and is the one that it would have
given whole."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from router.harness import MODEL, STAYS_OPEN, Router, endpoint, eventually, policy, request
from testing import plain_http
from testing.fakes.deepseek.log import Outcome
from testing.fakes.harness import FakeProvider
from testing.fakes.rawprovider import RawProvider

VECTORS = sorted((Path(__file__).parents[1] / "lua/vectors/whole").glob("*.txt"))
CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/anthropic/v1/messages", "/v1/responses"
CAPABLE = ("PrefixCompletion",)
Body = dict[str, object]

STREAMED = {"streaming": {"whole_answers": "Stream"}}
QUICK = {"first_token_ms": 400, "inter_token_ms": 1_500}
TOOL: Body = {
    "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}],
    "tool_choice": "required",
}


def streamed(**parts: Mapping[str, object]) -> object:
    return policy(**{**STREAMED, **parts, "streaming": {**STREAMED["streaming"], **parts.get("streaming", {})}})


def directly(fake: FakeProvider, path: str, body: Body) -> dict[str, object]:
    """What the provider says to who asks it for a whole answer, once it has the prompt in its cache."""
    headers = {"Authorization": f"Bearer sk-{fake.name}", "x-api-key": f"sk-{fake.name}"}
    for _ in range(2):
        answer = plain_http.post(f"{fake.url}{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
    return dict(answer.json())


def alike(answer: object) -> object:
    """Without what is another for each answer."""
    if isinstance(answer, dict):
        own = ("id", "created", "created_at", "item_id", "system_fingerprint", "call_id")
        return {name: alike(value) for name, value in answer.items() if name not in own}
    return [alike(one) for one in answer] if isinstance(answer, list) else answer


def failures(router: Router) -> list[str]:
    """The series of failed attempts that are not 0."""
    lines = router.metrics().splitlines()
    return [line for line in lines if line.startswith("poolkeeper_upstream_errors_total{") and not line.endswith(" 0")]


def asked(fake: FakeProvider) -> list[bool]:
    """Of each request: was a stream asked for?"""
    return [entry.stream for entry in fake.log() if entry.method == "POST"]


ASKED: list[tuple[str, str, Body]] = [
    ("text", CHAT, {"messages": [{"role": "user", "content": "Say something."}]}),
    ("thinking", CHAT, {"messages": [{"role": "user", "content": "Think."}], "thinking": {"type": "enabled"}}),
    ("two choices", CHAT, {"messages": [{"role": "user", "content": "Say two."}], "n": 2}),
    ("tools", CHAT, {"messages": [{"role": "user", "content": "What is the weather?"}], **TOOL}),
    ("cut at max_tokens", CHAT, {"messages": [{"role": "user", "content": "Say something."}], "max_tokens": 3}),
    ("a completion", "/beta/completions", {"prompt": "def f(", "suffix": ")", "max_tokens": 12}),
    ("a message", MESSAGES, {"messages": [{"role": "user", "content": "Say something."}], "max_tokens": 64}),
    (
        "a message that thinks",
        MESSAGES,
        {"messages": [{"role": "user", "content": "Think."}], "max_tokens": 64, "thinking": {"type": "enabled"}},
    ),
    (
        "a message that calls",
        MESSAGES,
        {
            "messages": [{"role": "user", "content": "What is the weather?"}],
            "max_tokens": 64,
            "tools": [{"name": "get_weather", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any"},
        },
    ),
    ("a response", RESPONSES, {"input": "Say something."}),
    ("a response that reasons", RESPONSES, {"input": "Think.", "reasoning": {"effort": "high"}}),
]


@pytest.mark.parametrize(("path", "body"), [case[1:] for case in ASKED], ids=[case[0] for case in ASKED])
def test_the_answer_is_the_one_that_the_provider_gives_whole(
    router: Router, a: FakeProvider, path: str, body: Body
) -> None:
    asks: Body = {"model": MODEL, **body}
    want = directly(a, path, asks)
    router.serve(endpoint("a", a), policy=streamed())

    got = router.client.post(path, json=asks)

    assert got.status_code == 200, got.text
    assert got.headers["content-type"] == "application/json"
    assert int(got.headers["content-length"]) == len(got.content)
    assert alike(got.json()) == alike(want)
    assert asked(a) == [False, False, True]


@pytest.mark.parametrize("file", VECTORS, ids=[file.stem for file in VECTORS])
def test_the_answers_of_real_providers(router: Router, file: Path) -> None:
    head, _, rest = file.read_text().partition("=== stream\n")
    stream, _, whole = rest.partition("=== whole\n")
    said = dict(line.split(": ", 1) for line in head.splitlines())
    start = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    reply = start + b"Content-Length: %d\r\n\r\n%b" % (len(stream.encode()), stream.encode())
    question: Body = {"input": "a"} if said["path"] == RESPONSES else {"messages": [{"role": "user", "content": "a"}]}
    with RawProvider(lambda number, sent: reply) as provider:
        router.serve(endpoint("a", port=provider.port, provider=said["provider"]), policy=streamed())
        got = router.client.post(said["path"], json={"model": MODEL, "max_tokens": 9, "prompt": "a", **question})

        sent = json.loads(provider.requests()[0].body)
    assert sent["stream"] is True
    assert ("stream_options" in sent) == (said["path"] not in (MESSAGES, RESPONSES))
    assert got.status_code == 200, got.text
    want = json.loads(whole)
    assert _says(got.json()) == _says(want)


def _says(value: object) -> object:
    """Without members that say nothing, which some servers write into whole answers only."""
    if isinstance(value, dict):
        return {
            name: _says(one)
            for name, one in value.items()
            if one is not None and not (name == "tool_calls" and one == [])
        }
    return [_says(one) for one in value] if isinstance(value, list) else value


@pytest.mark.smoke
def test_a_slow_healthy_answer_takes_its_time(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    """It lasts four times as long as firstToken; its provider is asked once, and no breaker counts anything."""
    a.set("ok", tokens=16, token_interval_ms=100)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=streamed(timeouts=QUICK))

    answer = router.ask()

    assert answer.status_code == 200
    assert answer.headers["x-poolkeeper-attempts"] == "1"
    assert (asked(a), asked(b)) == ([True], [])
    assert router.endpoint("a").breaker == "Closed"
    assert failures(router) == []


@pytest.mark.parametrize("scenario", ["keepalive_forever", "role_only_forever", "hang_before_headers"])
def test_who_keeps_alive_for_ever_is_passed_over_after_first_token(
    router: Router, a: FakeProvider, b: FakeProvider, scenario: str
) -> None:
    a.set(scenario)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=streamed(timeouts={"first_token_ms": 400}))

    answer = router.ask()

    assert answer.headers["x-poolkeeper-endpoint"] == "b"
    assert answer.json()["choices"][0]["finish_reason"] == "stop"
    assert answer.elapsed.total_seconds() < 10  # half of the request's time would be that


def test_nobody_else_could_answer_so_it_may_take_as_long_as_the_request(router: Router, a: FakeProvider) -> None:
    a.set("ok", first_token_ms=1500)
    router.serve(endpoint("a", a), policy=streamed(timeouts={"first_token_ms": 400}))

    assert router.ask().headers["x-poolkeeper-attempts"] == "1"


BROKEN = [(scenario, *ASKED[0]) for scenario in ("stall", "reset", "cut_inside_chunk", "insufficient_system_resource")]


@pytest.mark.parametrize(
    ("scenario", "path", "body"),
    [(scenario, path, body) for scenario, _, path, body in [("cut", *case) for case in ASKED] + BROKEN],
    ids=[case[0] for case in ASKED] + [case[0] for case in BROKEN],
)
def test_an_answer_that_breaks_off_begins_anew_elsewhere(
    router: Router, a: FakeProvider, b: FakeProvider, scenario: str, path: str, body: Body
) -> None:
    asks: Body = {"model": MODEL, **body}
    want = alike(directly(b, path, asks))
    a.set(scenario, after_chunks=2)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=streamed(timeouts={"inter_token_ms": 300}))

    got = router.client.post(path, json=asks)

    assert got.status_code == 200, got.text
    assert got.headers["x-poolkeeper-endpoint"] == "b"
    assert got.headers["x-poolkeeper-attempts"] == "2"
    assert alike(got.json()) == want


def _recoveries(router: Router) -> str:
    return "".join(line for line in router.metrics().splitlines() if "stream_recoveries_total{" in line)


def test_another_endpoint_continues_it_where_it_can(router: Router, a: FakeProvider, b: FakeProvider) -> None:
    asks: Body = {"model": MODEL, "messages": [{"role": "user", "content": "Say something."}]}
    want = directly(b, CHAT, asks)
    a.set("cut", after_chunks=6)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1, capabilities=CAPABLE), policy=streamed())

    got = router.ask()

    assert got.json()["choices"][0]["message"] == want["choices"][0]["message"]  # type: ignore[index]
    assert 'how="Continue"' in _recoveries(router)
    assert b.requests()[-1].path.startswith("/beta/")


@pytest.mark.parametrize("prefill", ["refuse", "ignore"])
@pytest.mark.parametrize("after_chunks", [1, 6])
def test_who_cannot_continue_it_begins_anew(
    router: Router, a: FakeProvider, b: FakeProvider, prefill: str, after_chunks: int
) -> None:
    asks: Body = {"model": MODEL, "messages": [{"role": "user", "content": "Say something."}]}
    want = directly(b, CHAT, asks)
    a.set("cut", after_chunks=after_chunks)
    b.set("ok", prefill=prefill)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1, capabilities=CAPABLE), policy=streamed())

    got = router.ask()

    assert got.status_code == 200, got.text
    assert got.json()["choices"][0]["message"] == want["choices"][0]["message"]  # type: ignore[index]


def test_everybody_breaks_off_so_there_is_an_error_and_no_half_answer(
    router: Router, a: FakeProvider, b: FakeProvider
) -> None:
    a.set("cut", after_chunks=2)
    b.set("cut", after_chunks=2)
    router.serve(endpoint("a", a), endpoint("b", b, tier=1), policy=streamed())

    answer = router.ask()

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "all_endpoints_down"
    assert "content" not in answer.text


def test_the_deadline_of_the_request_ends_it(router: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=1000, token_interval_ms=50)
    router.serve(endpoint("a", a), policy=streamed(timeouts={"request_ms": 700}))

    answer = router.ask()

    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline_exceeded")


def test_a_caller_who_leaves_ends_the_stream(router: Router, a: FakeProvider) -> None:
    a.set("ok", tokens=1000, token_interval_ms=20)
    router.serve(endpoint("a", a), policy=streamed())

    with contextlib.suppress(httpx.TimeoutException):
        router.client.post(CHAT, json=request(), timeout=0.5)

    entry = a.wait_for(lambda log: bool(log) and log[-1].outcome is not Outcome.IN_PROGRESS)[-1]
    assert entry.outcome is Outcome.CLIENT_CLOSED
    eventually(router.is_idle, "its slot is free again")
    assert router.endpoint("a").breaker == "Closed"


REFUSALS = [
    (400, "Your organization must be verified to stream this model.", "unsupported_value"),
    (400, "Cannot use tools with stream", "invalid_request_error"),
    (422, "stream_options: extra fields not permitted", "invalid_request_error"),
    (501, "streaming is not implemented for this model", ""),
    (500, "Streaming is not supported by this backend", ""),
]


@pytest.mark.parametrize(("status", "words", "code"), REFUSALS)
def test_who_refuses_to_stream_is_asked_as_the_caller_asks(router: Router, status: int, words: str, code: str) -> None:
    body = json.dumps({"error": {"message": words, "type": code, "code": code}}).encode()
    refusal = b"HTTP/1.1 %d No\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )
    good = b'{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"ok"}}]}'
    ok = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(good), good)
    with RawProvider(lambda number, sent: refusal if b'"stream":true' in sent else ok) as provider:
        router.serve(endpoint("a", port=provider.port, provider="VLLM"), policy=streamed())
        answers = [router.ask() for _ in range(3)]

        assert [b'"stream":true' in sent.body for sent in provider.requests()] == [True, False, False, False]
    assert [answer.json()["choices"][0]["message"]["content"] for answer in answers] == ["ok"] * 3
    assert router.endpoint("a").breaker == "Closed"
    assert failures(router) == []


def test_who_answers_whole_anyway_is_asked_so_from_then_on(router: Router) -> None:
    with RawProvider() as provider:
        router.serve(endpoint("a", port=provider.port, provider="VLLM"), policy=streamed())
        for _ in range(2):
            assert router.ask().json()["choices"][0]["message"]["content"] == "ok"

        assert [b'"stream":true' in sent.body for sent in provider.requests()] == [True, False]


def test_who_tells_no_usage_in_a_stream_is_asked_as_the_caller_asks_from_then_on(router: Router) -> None:
    event = b'data: {"id":"i","choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\n'
    stream = event + b"data: [DONE]\n\n"
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%b" % (
        len(stream),
        stream,
    )
    with RawProvider(lambda number, sent: reply) as provider:
        router.serve(endpoint("a", port=provider.port, provider="VLLM"), policy=streamed())
        for _ in range(2):
            assert router.ask().json()["choices"][0]["message"]["content"] == "ok"

        assert [b'"stream":true' in sent.body for sent in provider.requests()] == [True, False]


def test_an_answer_that_is_too_long_to_be_put_together_is_asked_for_again_as_it_came(router: Router) -> None:
    text = "word " * (9 << 20 >> 4)
    said = json.dumps({"id": "i", "choices": [{"index": 0, "delta": {"content": text}}]}).encode()
    stream = (b"data: " + said + b"\n\n") * 4 + b"data: [DONE]\n\n"
    whole = json.dumps({"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]}).encode()

    def reply(number: int, sent: bytes) -> bytes:
        kind, body = (b"text/event-stream", stream) if b'"stream":true' in sent else (b"application/json", whole)
        return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)

    with RawProvider(reply) as provider:
        router.serve(endpoint("a", port=provider.port, provider="VLLM"), policy=streamed())
        answer = router.ask()

        assert [b'"stream":true' in sent.body for sent in provider.requests()] == [True, False]
    assert answer.status_code == 200, answer.text[:300]
    assert answer.content == whole
    assert router.endpoint("a").breaker == "Closed"


AS_IT_CAME: list[tuple[str, str, Body]] = [
    (CHAT, "OpenAI", {"logprobs": True}),
    (CHAT, "DeepSeek", {"modalities": ["text", "audio"]}),
    (CHAT, "VLLM", {"prompt_logprobs": 2}),
    ("/v1/completions", "VLLM", {"prompt": ["a", "b"]}),
    ("/v1/completions", "VLLM", {"prompt": "a", "echo": True}),
    ("/v1/completions", "VLLM", {"prompt": "a", "best_of": 2}),
    (MESSAGES, "Ollama", {}),
    (RESPONSES, "DeepSeek", {"background": True, "input": "a"}),
    ("/v1/embeddings", "DeepSeek", {"input": "a"}),
]


@pytest.mark.parametrize(("path", "provider", "body"), AS_IT_CAME)
def test_what_a_stream_cannot_give_is_asked_as_it_came(router: Router, path: str, provider: str, body: Body) -> None:
    with RawProvider() as one:
        router.serve(endpoint("a", port=one.port, provider=provider), policy=streamed())
        router.client.post(path, json={"model": MODEL, **body})

        assert "stream" not in json.loads(one.requests()[0].body)


def test_a_provider_that_streams_probabilities_is_asked_for_a_stream(router: Router, a: FakeProvider) -> None:
    router.serve(endpoint("a", a), policy=streamed())
    router.ask(logprobs=True, top_logprobs=2)
    router.ask(logprobs=False)

    assert asked(a) == [True, True]


def test_its_answer_is_kept_for_the_time_when_nobody_answers(router: Router, a: FakeProvider) -> None:
    parts: dict[str, Mapping[str, object]] = {
        "fallback": {"cache_ttl_ms": 60_000, "cache_bytes": 1 << 20},
        "circuit_breaker": STAYS_OPEN,
    }
    router.serve(endpoint("a", a), policy=streamed(**parts))
    want = router.ask().json()
    a.set("error500")

    kept = router.ask()

    assert kept.headers["x-poolkeeper-fallback"].startswith("cache")
    assert kept.json() == want
