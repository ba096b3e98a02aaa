"""OpenAI's SDK, on the ordinary paths and on the two that an SDK must notice: refused, and cut."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.responses import ToolParam

from testing.conformance.case import CALLER_KEY, Policy
from testing.fakes.deepseek import bodies
from testing.fakes.harness import FakeProvider

pytestmark = pytest.mark.conformance
MODEL = "flash"
QUESTION = "Why is one endpoint a gamble?"
ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]
TOOLS: list[ChatCompletionToolParam] = [
    {"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}
]

Pool = Callable[..., openai.OpenAI]


@pytest.fixture
def pool(pool_at: Callable[[Policy], str]) -> Iterator[Pool]:
    """A client of a pool of the two, under a policy."""
    with ExitStack() as stack:

        def client(policy: Policy | None = None) -> openai.OpenAI:
            base_url = pool_at(policy or Policy()) + "/v1"
            return stack.enter_context(openai.OpenAI(base_url=base_url, api_key=CALLER_KEY, max_retries=0, timeout=20))

        yield client


FAULTS = ("ok", "busy503", "refuse", "keepalive_forever")
CUTS = ("cut", "stall", "error_in_stream", "insufficient_system_resource")


@pytest.mark.parametrize("scenario", FAULTS)
def test_a_stream_is_whole_whatever_the_first_endpoint_does(
    scenario: str, pool: Pool, official: FakeProvider, backup: FakeProvider
) -> None:
    want = _said(openai.OpenAI(base_url=backup.url + "/v1", api_key="x"))
    official.set(scenario)
    assert _said(pool()) == want


@pytest.mark.parametrize("scenario", FAULTS)
def test_an_answer_is_whole_whatever_the_first_endpoint_does(
    scenario: str, pool: Pool, official: FakeProvider, backup: FakeProvider
) -> None:
    want = _said(openai.OpenAI(base_url=backup.url + "/v1", api_key="x"))
    official.set(scenario)
    answer = pool().chat.completions.create(model=MODEL, messages=ASKED)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (want, "stop")
    assert answer.usage is not None


def test_usage_of_a_stream_arrives_when_it_was_asked_for(pool: Pool) -> None:
    stream = pool().chat.completions.create(
        model=MODEL, messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    assert [chunk.usage is not None for chunk in stream][-1]


def test_usage_of_a_stream_does_not_arrive_when_it_was_not(pool: Pool) -> None:
    stream = pool().chat.completions.create(model=MODEL, messages=ASKED, stream=True)
    assert all(chunk.usage is None and chunk.choices for chunk in stream)


def test_tool_calls_arrive_in_pieces(pool: Pool, official: FakeProvider) -> None:
    official.set("ok", tool_call=True)
    arguments = ""
    for chunk in pool().chat.completions.create(model=MODEL, messages=ASKED, tools=TOOLS, stream=True):
        for call in chunk.choices[0].delta.tool_calls or []:
            arguments += (call.function and call.function.arguments) or ""
    assert "query" in json.loads(arguments)


def test_the_providers_refusal_is_the_sdks_own_exception(pool: Pool, official: FakeProvider) -> None:
    official.set("bad_request")
    with pytest.raises(openai.BadRequestError, match=bodies.FORMAT_MESSAGE):
        pool().chat.completions.create(model=MODEL, messages=ASKED)


def test_a_pool_that_is_down_says_when_to_come_back(pool: Pool, official: FakeProvider, backup: FakeProvider) -> None:
    official.set("busy503")
    backup.set("busy503")
    with pytest.raises(openai.InternalServerError) as caught:
        pool().chat.completions.create(model=MODEL, messages=ASKED)
    assert caught.value.status_code == 503
    assert int(caught.value.response.headers["retry-after"]) >= 1


def test_a_cut_stream_is_an_exception_never_an_end(pool: Pool, official: FakeProvider) -> None:
    official.set("cut", token_interval_ms=30)
    got = ""
    with pytest.raises(openai.APIError):  # the stream breaks at some event
        for chunk in pool(Policy(recovery="Error")).chat.completions.create(model=MODEL, messages=ASKED, stream=True):
            got += chunk.choices[0].delta.content or ""
    assert got


def test_models_are_the_pools_own(pool: Pool) -> None:
    client = pool()
    assert [model.id for model in client.models.list()] == ["flash", "pro"]
    assert client.models.retrieve("pro").id == "pro"
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        client.models.retrieve("gpt-9")


def test_embeddings(pool: Pool) -> None:
    assert pool().embeddings.create(model=MODEL, input="a gamble").data[0].embedding


def test_completions(pool: Pool) -> None:
    assert pool().completions.create(model=MODEL, prompt="a gamble").choices[0].text


# --- the Responses API


@pytest.mark.parametrize("scenario", FAULTS)
def test_a_response_is_whole_whatever_the_first_endpoint_does(
    scenario: str, pool: Pool, official: FakeProvider, backup: FakeProvider
) -> None:
    want = _responded(openai.OpenAI(base_url=backup.url + "/v1", api_key="x"))
    official.set(scenario)
    client = pool()
    assert _responded(client) == want
    whole = client.responses.create(model=MODEL, input=QUESTION)
    assert (whole.output_text, whole.status) == (want, "completed")
    assert whole.usage is not None and whole.usage.output_tokens == 16


def test_a_refused_response_is_the_sdks_own_exception(pool: Pool, official: FakeProvider) -> None:
    official.set("bad_request")
    with pytest.raises(openai.BadRequestError, match=bodies.FORMAT_MESSAGE):
        pool().responses.create(model=MODEL, input=QUESTION)


@pytest.mark.parametrize("scenario", CUTS)
def test_a_cut_response_is_finished_by_another_endpoint(
    scenario: str, pool: Pool, official: FakeProvider, backup: FakeProvider
) -> None:
    want = _responded(openai.OpenAI(base_url=backup.url + "/v1", api_key="x"))
    official.set(scenario, token_interval_ms=30)
    assert _responded(pool()) == want


@pytest.mark.parametrize("scenario", CUTS)
def test_a_cut_response_is_an_exception_never_an_end(scenario: str, pool: Pool, official: FakeProvider) -> None:
    official.set(scenario, token_interval_ms=30)
    got, client = "", pool(Policy(recovery="Error"))
    with pytest.raises(openai.APIError):
        for event in client.responses.create(model=MODEL, input=QUESTION, stream=True):
            assert event.type != "response.completed"
            got += event.delta if event.type == "response.output_text.delta" else ""
    assert got


def test_arguments_of_a_call_arrive_in_pieces(pool: Pool, official: FakeProvider) -> None:
    official.set("ok", tool_call=True)
    tools: list[ToolParam] = [{"type": "function", "name": "search", "parameters": {"type": "object"}, "strict": False}]
    with pool().responses.stream(model=MODEL, input=QUESTION, tools=tools) as stream:
        pieces = [event.delta for event in stream if event.type == "response.function_call_arguments.delta"]
        final = stream.get_final_response()
    assert "query" in json.loads("".join(pieces))
    assert final.output[0].type == "function_call"


def _responded(client: openai.OpenAI) -> str:
    with client.responses.stream(model=MODEL, input=QUESTION) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert (final.status, final.output_text) == ("completed", text)
    return text


def _said(client: openai.OpenAI) -> str:
    text, finish = "", None
    for chunk in client.chat.completions.create(model=MODEL, messages=ASKED, stream=True):
        text += chunk.choices[0].delta.content or ""
        finish = chunk.choices[0].finish_reason or finish
    assert finish == "stop"
    return text
