"""Requests as real clients send them: base URLs, keys, compressed bodies, queries, HEAD, counts of tokens."""

from collections.abc import Iterator

import pytest

from poolkeeper.api.router_document import AccessDoc, ClientDoc
from router.harness import MODEL, Router, endpoint, policy
from testing.fakes.answerer import Answer, Answerer, Asked, good

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


def answer(asked: Asked) -> Answer:
    if "count_tokens" in asked.path:
        return Answer(200, {"input_tokens": 12})
    if "tokenize" in asked.path:
        return Answer(200, {"count": 3, "max_model_len": 9, "tokens": [1, 2, 3]})
    if "/messages" in asked.path:
        return Answer(200, MESSAGE)
    if "/embeddings" in asked.path:
        return Answer(200, {"object": "list", "data": [{"index": 0, "embedding": [0.5]}]})
    return good()


@pytest.fixture
def provider() -> Iterator[Answerer]:
    with Answerer(answer) as fake:
        yield fake


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/v1//chat/completions", "/v1/chat/completions"),
        ("/openai/v1/chat/completions", "/v1/chat/completions"),
        ("/openai/v1/embeddings", "/v1/embeddings"),
        ("/openai/deployments/m/chat/completions?api-version=2024", "/v1/chat/completions?api-version=2024"),
        ("/api/v1/chat/completions", "/v1/chat/completions"),
        ("/beta/chat/completions", "/beta/chat/completions"),
        ("/beta/v1/chat/completions?x=1&key=mine&y=2", "/beta/chat/completions?x=1&y=2"),
        ("/anthropic/v1/messages?beta=true", "/anthropic/v1/messages?beta=true"),
        ("/v1/v1/messages", "/anthropic/v1/messages"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/openai/deployments/org%2Fm/chat/completions?api-version=1", "/v1/chat/completions?api-version=1"),
        ("/compatible-mode/v1/chat/completions", "/v1/chat/completions"),
        ("/v1%2Fchat%2Fcompletions?a=b%20c", "/v1/chat/completions?a=b%20c"),
        ("/anthropic/v1/messages/count_tokens?beta=true", "/anthropic/v1/messages/count_tokens?beta=true"),
    ],
)  # fmt: skip
def test_a_base_url_may_end_as_clients_have_it(router: Router, provider: Answerer, path: str, want: str) -> None:
    router.serve(endpoint("a", port=provider.port))

    assert router.ask(path=path).status_code == 200
    assert provider.asked[-1].path == want


@pytest.mark.parametrize("base", ["/v1", "/beta", ""])
def test_an_endpoints_own_base_url_may_end_as_deepseek_documents_it(
    router: Router, provider: Answerer, base: str
) -> None:
    router.serve(endpoint("a", port=provider.port, path=base))

    assert router.ask(path="/anthropic/v1/messages").status_code == 200
    assert provider.asked[-1].path == "/anthropic/v1/messages"


def test_an_answer_that_is_begun_goes_to_who_takes_that(router: Router, provider: Answerer) -> None:
    with Answerer(answer) as other:
        router.serve(
            endpoint("other", port=other.port, provider="VLLM"), endpoint("deepseek", port=provider.port, tier=1)
        )
        begun = [{"role": "user", "content": "code"}, {"role": "assistant", "content": "def ", "prefix": True}]

        assert router.ask(messages=begun).headers["x-poolkeeper-endpoint"] == "deepseek"
        assert router.ask().headers["x-poolkeeper-endpoint"] == "other"
    assert provider.asked[-1].path == "/beta/chat/completions"


def test_strict_tools_are_asked_for_at_the_beta_address(router: Router, provider: Answerer) -> None:
    router.serve(endpoint("a", port=provider.port))
    tool = {"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object"}}}

    assert router.ask(tools=[tool]).status_code == 200
    assert provider.asked[-1].path == "/beta/chat/completions"


def test_the_tokenizer_of_a_server(router: Router, provider: Answerer) -> None:
    router.serve(endpoint("a", port=provider.port, provider="VLLM"))

    assert router.ask(path="/tokenize").json()["count"] == 3
    assert provider.asked[-1].path == "/tokenize"


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/anthropic", "/v1/models", "/openai/v1/models", "/anthropic/v1/models"]
)
def test_head(router: Router, provider: Answerer, path: str) -> None:
    router.serve(endpoint("a", port=provider.port))

    answered = router.client.head(path)

    assert (answered.status_code, answered.content) == (200, b"")


def test_who_asks_for_a_websocket_is_asked_at_once_to_send_a_post(router: Router, provider: Answerer) -> None:
    """Codex does, and tries five times on any answer but this one."""
    router.serve(endpoint("a", port=provider.port))

    answered = router.client.get("/v1/responses", headers={"upgrade": "websocket", "connection": "Upgrade"})

    assert (answered.status_code, answered.json()["error"]["code"]) == (426, "no_websockets")


@pytest.mark.parametrize("model", [MODEL, "nobody"])
def test_messages_have_the_id_where_their_clients_look(router: Router, provider: Answerer, model: str) -> None:
    router.serve(endpoint("a", port=provider.port))

    answered = router.ask(path="/anthropic/v1/messages", model=model)

    assert answered.headers["request-id"] == answered.headers["x-request-id"]
    assert "request-id" not in router.ask().headers


@pytest.mark.parametrize(
    "shown",
    [
        {"authorization": "Bearer vk-good-key"},
        {"x-api-key": "vk-good-key", "authorization": "Bearer somebody-elses"},
        {"x-api-key": "vk-good-key", "authorization": "Basic dXNlcjpwYXNz"},
        {"api-key": "vk-good-key"},
        {"api-key": "vk-good-key", "x-api-key": "other"},
    ],
)
def test_a_key_is_looked_for_in_each_place(router: Router, provider: Answerer, shown: dict[str, str]) -> None:
    (router.folder / "clients" / "web").write_text("vk-good-key")
    access = AccessDoc(mode="Keys", clients=(ClientDoc(name="web", key_file="web", source="Secret c, key web"),))
    router.serve(endpoint("a", port=provider.port), access=access, policy=policy())

    assert router.ask(headers=shown).status_code == 200
    assert router.ask(headers={"api-key": "bad", "x-api-key": "bad"}).status_code == 401
    assert b"vk-good-key" not in repr(provider.asked).encode()
