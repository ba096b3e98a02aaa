"""Answers in a form, under a name or with a status that was not asked for: the caller gets the one he asked for."""

import json
from collections.abc import Callable, Iterator

import pytest

from router.harness import Router, endpoint, events
from testing.fakes.harness import FakeProvider
from testing.fakes.rawprovider import RawProvider

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/anthropic/v1/messages", "/v1/responses"
WHOLE: dict[str, dict[str, object]] = {
    CHAT: {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hello", "refusal": None},
                "logprobs": {"content": [{"token": "hello", "logprob": -0.25, "top_logprobs": []}]},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    },
    MESSAGES: {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    },
    RESPONSES: {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": [
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "hello", "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 3, "output_tokens": 2},
    },
}
LAST_EVENT = {CHAT: "[DONE]", MESSAGES: "message_stop", RESPONSES: "response.completed"}


def answer(body: bytes, content_type: str | None = "application/json", status: int = 200) -> bytes:
    said = f"Content-Type: {content_type}\r\n" if content_type else ""
    return f"HTTP/1.1 {status} Fine\r\n{said}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def chunk(delta: dict[str, object], reason: str | None = None, **more: object) -> bytes:
    said = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        **more,
    }
    return f"data: {json.dumps(said)}\n\n".encode()


STREAM = chunk({"role": "assistant", "content": ""}) + chunk({"content": "hel"}) + chunk({"content": "lo"}, "stop")
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("path", list(WHOLE))
def test_a_whole_answer_becomes_the_stream_that_was_asked_for_and_back(router: Router, path: str) -> None:
    body = json.dumps(WHOLE[path]).encode()
    with RawProvider(lambda number, sent: answer(body)) as provider:
        router.serve(endpoint("a", port=provider.port, provider="VLLM"))
        streamed = router.ask(path=path, stream=True, stream_options={"include_usage": True})

    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert LAST_EVENT[path] in events(streamed.text)[-1]
    stream = streamed.content
    with RawProvider(lambda number, sent: answer(stream, "text/event-stream")) as provider:
        router.serve(endpoint("a", port=provider.port, provider="VLLM"))
        whole = router.ask(path=path)

    assert whole.headers["content-type"] == "application/json"
    assert whole.json() == WHOLE[path]


@pytest.mark.parametrize("status", [201, 202, 203, 206])
@pytest.mark.parametrize("stream", [True, False])
def test_any_2xx_with_a_good_body_is_an_answer(router: Router, status: int, stream: bool) -> None:
    body = STREAM + DONE if stream else json.dumps(WHOLE[CHAT]).encode()
    kind = "text/event-stream" if stream else "application/json"
    with RawProvider(lambda number, sent: answer(body, kind, status)) as provider:
        router.serve(endpoint("a", port=provider.port))
        said = router.ask(stream=stream)

    assert said.status_code == 200
    assert "hel" in said.text


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/octet-stream", "binary/data", None])
def test_a_stream_is_known_by_its_bytes(router: Router, kind: str | None) -> None:
    for start in (b"", b"\xef\xbb\xbf", b"\n\n", b": hello\n\n", b"event: message\n"):
        body = start + STREAM + DONE
        with RawProvider(lambda number, sent, body=body: answer(body, kind)) as provider:  # type: ignore[misc]
            router.serve(endpoint("a", port=provider.port))
            said = router.ask(stream=True)

        assert said.headers["content-type"] == "text/event-stream"
        assert said.headers["x-accel-buffering"] == "no"
        assert said.headers["cache-control"] == "no-cache"
        assert events(said.text)[-1] == "[DONE]"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {"object": "chat.completion", "choices": None}),
        (CHAT, {"object": "chat.completion", "choices": []}),
        (CHAT, {"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop"}]}),
        (CHAT, {"code": 0, "msg": "ok", "data": None}),
        ("/v1/completions", {"object": "text_completion", "choices": [{"index": 0, "text": None}]}),
        ("/v1/embeddings", {"object": "list", "data": []}),
        (MESSAGES, {"type": "message", "role": "assistant", "content": None}),
        (MESSAGES, {"type": "message", "role": "assistant", "content": [], "stop_reason": "end_turn"}),
        (RESPONSES, {"object": "response", "status": "completed", "output": None}),
        (RESPONSES, {"object": "response", "status": "completed", "output": []}),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_says_nothing_is_none(
    router: Router, a: FakeProvider, path: str, body: dict[str, object], stream: bool
) -> None:
    good = WHOLE.get(path) or (
        {"data": [{"embedding": [0.5]}]} if "embed" in path else {"choices": [{"index": 0, "text": "hello"}]}
    )
    with (
        RawProvider(lambda number, sent: answer(json.dumps(body).encode())) as nothing,
        RawProvider(lambda number, sent: answer(json.dumps(good).encode())) as something,
    ):
        router.serve(
            endpoint("nothing", port=nothing.port, provider="VLLM"),
            endpoint("something", port=something.port, provider="VLLM", tier=1),
        )
        said = router.ask(path=path, stream=stream)

    assert said.headers["x-poolkeeper-endpoint"] == "something"


@pytest.mark.parametrize("stream", [True, False])
def test_of_a_provider_s_headers_the_caller_gets_how_long_it_took_and_its_charset(router: Router, stream: bool) -> None:
    kind = "text/event-stream; charset=utf-8" if stream else "application/json; charset=utf-8"
    more = "openai-processing-ms: 1234\r\nx-ratelimit-remaining-requests: 0\r\nset-cookie: a=b\r\nContent-Length"
    body = STREAM + DONE if stream else json.dumps(WHOLE[CHAT]).encode()
    with RawProvider(lambda number, sent: answer(body, kind).replace(b"Content-Length", more.encode())) as provider:
        router.serve(endpoint("a", port=provider.port))
        got = router.ask(stream=stream).headers

    assert got["openai-processing-ms"] == "1234"
    assert got["content-type"] == kind
    assert not {"x-ratelimit-remaining-requests", "set-cookie"} & set(got)


@pytest.mark.parametrize(("path", "want"), [(MESSAGES, True), (CHAT, False), ("/v1/messages", True)])
def test_clients_of_the_messages_api_find_the_request_s_id_where_they_look(
    router: Router, path: str, want: bool
) -> None:
    body = json.dumps(WHOLE.get(path, WHOLE[MESSAGES])).encode()
    with RawProvider(lambda number, sent: answer(body)) as provider:
        router.serve(endpoint("a", port=provider.port, provider="VLLM"))
        answers = [router.ask(path=path), router.ask(path=path, model="unknown")]

    for got in (one.headers for one in answers):
        assert (got.get("request-id") == got["x-request-id"]) is want


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
def test_who_says_nothing_is_passed_over_on_any_surface_and_heard_where_nobody_says_more(
    router: Router, path: str
) -> None:
    nothing = json.dumps({**WHOLE[path], ("content" if path == MESSAGES else "output"): []}).encode()
    with RawProvider(lambda number, sent: answer(nothing)) as silent:
        router.serve(endpoint("silent", port=silent.port, provider="VLLM"))
        alone = router.ask(path=path, stream=True, input="Hi")

    stream = alone.content
    assert LAST_EVENT[path] in events(alone.text)[-1]
    with (
        RawProvider(lambda number, sent: answer(stream, "text/event-stream")) as silent,
        RawProvider(lambda number, sent: answer(json.dumps(WHOLE[path]).encode())) as talks,
    ):
        router.serve(
            endpoint("silent", port=silent.port, provider="VLLM"),
            endpoint("talks", port=talks.port, provider="VLLM", tier=1),
        )
        said = router.ask(path=path, stream=True, input="Hi")

    assert said.headers["x-poolkeeper-endpoint"] == "talks"
    assert "hello" in said.text


# --- usage, which the router asks for


def refuses_usage(status: int, words: str) -> Callable[[int, bytes], bytes]:
    def play(number: int, sent: bytes) -> bytes:
        if b"stream_options" in sent:
            return answer(words.encode(), status=status)
        return answer(STREAM + DONE, "text/event-stream")

    return play


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, '{"error":{"message":"Unrecognized request argument supplied: stream_options"}}'),
        (422, '{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs"}]}'),
        (422, "Failed to deserialize the JSON body: unknown field `stream_options`"),
        (500, "TypeError: create() got an unexpected keyword argument 'stream_options'"),
        (200, '{"error":{"code":400,"message":"include_usage is not supported"}}'),
    ],
)
def test_who_refuses_to_be_asked_for_usage_is_asked_without_it_and_that_is_remembered(
    router: Router, status: int, words: str
) -> None:
    with RawProvider(refuses_usage(status, words)) as provider:
        router.serve(endpoint("a", port=provider.port))
        said = [router.ask(stream=True) for _ in range(3)]
        sent = [b"stream_options" in one.body for one in provider.requests()]

    assert [one.status_code for one in said] == [200, 200, 200]
    assert {one.headers["x-poolkeeper-attempts"] for one in said} == {"1"}
    assert sent == [True, False, False, False]
    assert router.endpoint("a").error_rate_percent == 0
    assert router.endpoint("a").last_error is None


def test_what_the_caller_asked_for_himself_is_not_taken_back(router: Router) -> None:
    refusal = '{"error":{"message":"stream_options is not supported"}}'
    with RawProvider(refuses_usage(400, refusal)) as provider:
        router.serve(endpoint("a", port=provider.port))
        said = router.ask(stream=True, stream_options={"include_usage": True})
        assert len(provider.requests()) == 1

    assert said.status_code == 400


def late(pieces: list[bytes | float]) -> Callable[[int, bytes], Iterator[bytes]]:
    import time

    def play(number: int, sent: bytes) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        for piece in pieces:
            if isinstance(piece, float):
                time.sleep(piece)
            else:
                yield piece

    return play


USAGE = b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'


def test_usage_that_comes_late_reaches_who_asked(router: Router) -> None:
    with RawProvider(late([STREAM, 1.5, USAGE, DONE])) as provider:
        router.serve(endpoint("a", port=provider.port))
        said = router.ask(stream=True, stream_options={"include_usage": True})

    assert json.loads(events(said.text)[-2])["usage"]["completion_tokens"] == 2


def test_calls_that_follow_a_finish_are_part_of_the_answer(router: Router) -> None:
    def call(index: int, reason: str | None) -> bytes:
        named = {"name": f"f{index}", "arguments": "{}"}
        return chunk({"tool_calls": [{"index": index, "id": f"c{index}", "function": named}]}, reason)

    with RawProvider(late([call(0, "tool_calls"), 1.5, call(1, None), chunk({}, "tool_calls"), DONE])) as provider:
        router.serve(endpoint("a", port=provider.port))
        said = router.ask(stream=True).text

    assert '"f0"' in said
    assert '"f1"' in said
    assert events(said)[-1] == "[DONE]"
