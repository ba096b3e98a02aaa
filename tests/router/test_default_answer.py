"""The default answer as if the model had said it: client libraries take it for any other, whole and as a stream."""

from collections.abc import Callable, Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from router.harness import MODEL, POLICY, Router, endpoint

BUSY = "System busy, please retry shortly"
QUESTION = "Say something."


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    """Its one endpoint does not exist."""
    said = POLICY.fallback.model_copy(update={"format": "Completion", "default_response": BUSY})
    with Router(tmp_path, allowed_errors="Connection refused") as running:
        running.serve(endpoint("a"), policy=POLICY.model_copy(update={"fallback": said}))
        yield running


def of_openai(router: Router) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{router.url}/v1", api_key="x", max_retries=0)


def of_anthropic(router: Router) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=f"{router.url}/anthropic", api_key="x", max_retries=0)


def chat(router: Router) -> str:
    answer = of_openai(router).chat.completions.create(model=MODEL, messages=[{"role": "user", "content": QUESTION}])
    return answer.choices[0].message.content or ""


def chat_stream(router: Router) -> str:
    asked = of_openai(router).chat.completions
    chunks = list(asked.create(model=MODEL, messages=[{"role": "user", "content": QUESTION}], stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def text(router: Router) -> str:
    return of_openai(router).completions.create(model=MODEL, prompt=QUESTION).choices[0].text


def text_stream(router: Router) -> str:
    chunks = of_openai(router).completions.create(model=MODEL, prompt=QUESTION, stream=True)
    return "".join(chunk.choices[0].text for chunk in chunks)


def message(router: Router) -> str:
    answer = of_anthropic(router).messages.create(
        model=MODEL, max_tokens=9, messages=[{"role": "user", "content": QUESTION}]
    )
    return "".join(block.text for block in answer.content if block.type == "text")


def message_stream(router: Router) -> str:
    asked = of_anthropic(router).messages
    with asked.stream(model=MODEL, max_tokens=9, messages=[{"role": "user", "content": QUESTION}]) as stream:
        said = "".join(stream.text_stream)
        assert stream.get_final_message().stop_reason == "end_turn"
    return said


def response(router: Router) -> str:
    return of_openai(router).responses.create(model=MODEL, input=QUESTION).output_text


def response_stream(router: Router) -> str:
    with of_openai(router).responses.stream(model=MODEL, input=QUESTION) as stream:
        said = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == said
    return said


@pytest.mark.parametrize(
    "ask", [chat, chat_stream, text, text_stream, message, message_stream, response, response_stream]
)
def test_a_client_library_reads_it(router: Router, ask: Callable[[Router], str]) -> None:
    assert ask(router) == BUSY


def test_embeddings_cannot_say_it(router: Router) -> None:
    with pytest.raises(openai.InternalServerError, match=BUSY):
        of_openai(router).embeddings.create(model=MODEL, input=QUESTION)
