"""Answers that say they are complete and say nothing: another endpoint may say more; if none does, it is the answer."""

import json
from collections.abc import Callable

import pytest

from router.harness import Router, endpoint, events, request
from testing.fakes.harness import FakeProvider
from testing.fakes.player import EVENT_STREAM, JSON, Player, Steps, until_closed, whole

ROLE = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
NOTHING: dict[str, object] = {"role": "assistant", "content": ""}


def whole_answer(message: dict[str, object], reason: str = "stop") -> Callable[[], Steps]:
    body = {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}

    def play() -> Steps:
        yield whole(JSON, json.dumps(body).encode())

    return play


def stream_answer(reason: str = "stop", *, done: bool = True) -> Callable[[], Steps]:
    said = [ROLE, {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}]

    def play() -> Steps:
        yield until_closed(EVENT_STREAM)
        for event in said:
            yield f"data: {json.dumps(event)}\n\n".encode()
        if done:
            yield b"data: [DONE]\n\n"

    return play


@pytest.mark.parametrize(
    "message",
    [NOTHING, {**NOTHING, "content": None}, {**NOTHING, "refusal": None, "tool_calls": []},
     {**NOTHING, "reasoning_content": "It is all in here."}],
    ids=["empty", "null", "all-empty", "thoughts-only"],
)  # fmt: skip
def test_a_whole_answer_that_says_nothing_is_passed_over(
    router: Router, a: FakeProvider, message: dict[str, object]
) -> None:
    with Player(whole_answer(message)) as silent:
        router.serve(endpoint("silent", port=silent.port), endpoint("a", a, tier=1))

        answer = router.ask()

    assert answer.headers["x-poolkeeper-endpoint"] == "a"
    assert answer.json()["choices"][0]["message"]["content"]
    last_error = router.endpoint("silent").last_error
    assert last_error is not None
    assert last_error.class_ == "Empty"
    assert router.endpoint("silent").error_rate_percent == 0


@pytest.mark.parametrize("done", [True, False], ids=["done", "no-done"])
def test_a_stream_that_says_nothing_is_passed_over(router: Router, a: FakeProvider, done: bool) -> None:
    with Player(stream_answer(done=done)) as silent:
        router.serve(endpoint("silent", port=silent.port), endpoint("a", a, tier=1))

        assert router.ask(stream=True).headers["x-poolkeeper-endpoint"] == "a"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({**NOTHING, "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {}}]}, "tool_calls"),
        ({**NOTHING, "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {}}]}, "stop"),
        ({**NOTHING, "content": None, "refusal": "No."}, "stop"),
        ({**NOTHING, "reasoning_content": "Hm"}, "length"),
        (NOTHING, "content_filter"),
    ],
    ids=["tool-calls", "tool-calls-stop", "refusal", "length", "filtered"],
)
def test_what_has_a_reason_to_be_silent_is_an_answer(
    router: Router, a: FakeProvider, message: dict[str, object], reason: str
) -> None:
    with Player(whole_answer(message, reason)) as other:
        router.serve(endpoint("other", port=other.port), endpoint("a", a, tier=1))

        assert router.ask().headers["x-poolkeeper-endpoint"] == "other"


@pytest.mark.parametrize(
    ("member", "value"),
    [("stop", ["END"]), ("messages", [{"role": "user", "content": "x"}, {"role": "assistant", "content": "All"}])],
    ids=["stop", "prefill"],
)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_a_caller_that_may_want_nothing_gets_it(
    router: Router, a: FakeProvider, stream: bool, member: str, value: object
) -> None:
    with Player(stream_answer() if stream else whole_answer(NOTHING)) as silent:
        router.serve(endpoint("silent", port=silent.port), endpoint("a", a, tier=1))

        answer = router.client.post("/v1/chat/completions", json={**request(stream=stream), member: value})

    assert answer.headers["x-poolkeeper-endpoint"] == "silent"


def test_when_nobody_says_more_the_empty_answer_is_the_answer(router: Router, a: FakeProvider) -> None:
    a.set("busy503")
    with Player(whole_answer(NOTHING)) as silent:
        router.serve(endpoint("silent", port=silent.port), endpoint("a", a, tier=1))

        answer = router.ask()

    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"] == NOTHING
    assert answer.headers["x-poolkeeper-endpoint"] == "silent"


@pytest.mark.parametrize("done", [True, False], ids=["done", "no-done"])
def test_when_nobody_says_more_the_empty_stream_is_the_answer(router: Router, done: bool) -> None:
    with Player(stream_answer(done=done)) as silent:
        router.serve(endpoint("silent", port=silent.port))

        answer = router.ask(stream=True)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [data for data in events(answer.text) if data == "[DONE]"] == ["[DONE]"]
    assert events(answer.text)[-1] == "[DONE]"
    assert silent.asked == 1
