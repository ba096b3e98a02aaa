"""A form that an endpoint refuses: the next endpoint is asked; where none is left, one repaired request."""

from collections.abc import Callable

import httpx
import pytest

from router.harness import MODEL, STAYS_OPEN, Router, endpoint, policy
from testing.fakes.answerer import Answer, Answerer, Asked, good

Body = dict[str, object]
USER: Body = {"role": "user", "content": "a"}
ONCE = policy(circuit_breaker=STAYS_OPEN, retry={"max_attempts": 1})


def ask(router: Router, body: Body) -> httpx.Response:
    return router.client.post("/v1/chat/completions", json={"model": MODEL, "messages": [USER], **body})


def refusal(message: str) -> Answer:
    return Answer(
        400, {"error": {"message": message, "type": "invalid_request_error", "code": "invalid_request_error"}}
    )


def assistants(asked: Asked) -> list[Body]:
    return [one for one in asked.json()["messages"] if one["role"] == "assistant"]


CASES: dict[str, tuple[str, Callable[[Asked], bool], Body, str]] = {
    "reasoning": (
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        lambda asked: all("reasoning_content" in one for one in assistants(asked)),
        {"messages": [USER, {"role": "assistant", "content": "b"}, USER]},
        "reasoning_content",
    ),
    "effort": (
        "thinking options type cannot be disabled when reasoning_effort is set",
        lambda asked: "reasoning_effort" not in asked.json(),
        {"thinking": {"type": "disabled"}, "reasoning_effort": "high"},
        "reasoning_effort",
    ),
    "user": (
        "Invalid 'user_id': string does not match pattern. Expected '^[a-zA-Z0-9_-]+$'.",
        lambda asked: "@" not in asked.json()["user_id"],
        {"user_id": "ada@example.org"},
        "user_id",
    ),
    "tool": (
        "Thinking mode does not support this tool_choice",
        lambda asked: "tool_choice" not in asked.json(),
        {"tool_choice": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
        "tool_choice",
    ),
    "developer": (
        "messages[0].role: unknown variant `developer`, expected one of `system`, `user`",
        lambda asked: asked.json()["messages"][0]["role"] == "system",
        {"messages": [{"role": "developer", "content": "x"}, USER]},
        "role",
    ),
}


def picky(message: str, takes: Callable[[Asked], bool]) -> Callable[[Asked], Answer]:
    return lambda asked: good() if takes(asked) else refusal(message)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_where_no_endpoint_is_left_the_request_is_repaired(
    router: Router, case: tuple[str, Callable[[Asked], bool], Body, str]
) -> None:
    message, takes, body, what = case
    with Answerer(picky(message, takes)) as a:
        router.serve(endpoint("a", port=a.port), policy=ONCE)

        answer = ask(router, body)

        assert (answer.status_code, answer.headers["x-poolkeeper-repaired"]) == (200, what)
        assert len(a.asked) == 2
        assert f'poolkeeper_repaired_requests_total{{what="{what}"}} 1' in router.metrics()
        assert router.endpoint("a").breaker == "Closed"


def test_another_endpoint_comes_before_a_repair(router: Router) -> None:
    message, takes, body, _ = CASES["tool"]
    with Answerer(picky(message, takes)) as a, Answerer(lambda _: good("b")) as b:
        router.serve(endpoint("a", port=a.port), endpoint("b", port=b.port, tier=1))

        answer = ask(router, body)

        assert answer.headers["x-poolkeeper-endpoint"] == "b"
        assert "x-poolkeeper-repaired" not in answer.headers
        assert b.asked[0].json()["tool_choice"] == "required"


def test_one_repair_and_no_more(router: Router) -> None:
    message, _, body, _ = CASES["tool"]
    with Answerer(lambda _: refusal(message)) as a:
        router.serve(endpoint("a", port=a.port))

        answer = ask(router, body)

        assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)
        assert len(a.asked) == 2


def test_thinking_is_repaired_on_the_messages_api(router: Router) -> None:
    def messages(asked: Asked) -> Answer:
        blocks = [block for one in assistants(asked) for block in one["content"]]  # type: ignore[attr-defined]
        if not any(isinstance(block, dict) and block["type"] == "thinking" for block in blocks):
            return refusal("The `content[].thinking` in the thinking mode must be passed back to the API.")
        answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
        content = [{"type": "text", "text": "hi"}]
        return Answer(200, {**answer, "content": content, "usage": {"input_tokens": 1, "output_tokens": 1}})

    with Answerer(messages) as a:
        router.serve(endpoint("a", port=a.port))
        history = [USER, {"role": "assistant", "content": "b"}, USER]

        answer = router.ask(path="/anthropic/v1/messages", max_tokens=9, messages=history)

        assert (answer.status_code, answer.headers["x-poolkeeper-repaired"]) == (200, "thinking")
