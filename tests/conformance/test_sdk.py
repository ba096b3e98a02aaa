"""The SDKs that most callers use, on the ordinary paths and on the two that an SDK must notice: refused, and cut."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from conformance.case import CALLER_KEY, NEVER, Case, Mode, Play, Policy, When
from conformance.environments import CLIENTS, CannotBeMadeError, environment
from conformance.gateways.poolkeeper import Poolkeeper
from conformance.judge import Endpoint
from conformance.llmock import serving
from fakes.deepseek import bodies
from fakes.harness import FakeProvider

pytestmark = pytest.mark.conformance
MODEL = "flash"
ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Why is one endpoint a gamble?"}]
TOOLS: list[ChatCompletionToolParam] = [
    {"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}
]

Pool = Callable[..., openai.OpenAI]


@pytest.fixture
def official() -> Iterator[FakeProvider]:
    with FakeProvider("official", models=[MODEL]) as fake:
        yield fake


@pytest.fixture
def backup() -> Iterator[FakeProvider]:
    with FakeProvider("backup", models=[MODEL]) as fake:
        yield fake


@pytest.fixture
def pool(official: FakeProvider, backup: FakeProvider, gateway: Poolkeeper) -> Iterator[Pool]:
    """A client of a pool of the two, under a policy."""
    with ExitStack() as stack:

        def client(policy: Policy | None = None) -> openai.OpenAI:
            endpoints = [_endpoint(fake.name, fake.url, tier) for tier, fake in enumerate((official, backup))]
            address = stack.enter_context(gateway.serve(_case(policy or Policy()), endpoints))
            made = openai.OpenAI(base_url=address.base_url, api_key=CALLER_KEY, max_retries=0, timeout=20)
            return stack.enter_context(made)

        yield client


def _case(policy: Policy) -> Case:
    return Case("sdk", "SDK", "an SDK asks", Mode.STREAM, When.FIRST, (Play(),), (NEVER,), policy=policy)


def _endpoint(name: str, url: str, tier: int) -> Endpoint:
    return Endpoint(name, url + "/v1", f"sk-{name}", {MODEL: MODEL, "pro": MODEL}, tier, "DeepSeek", (), 20)


FAULTS = ("ok", "busy503", "refuse", "keepalive_forever")


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
    assert [model.id for model in pool().models.list()] == ["flash", "pro"]


def test_embeddings(pool: Pool) -> None:
    assert pool().embeddings.create(model=MODEL, input="a gamble").data[0].embedding


def test_completions(pool: Pool) -> None:
    assert pool().completions.create(model=MODEL, prompt="a gamble").choices[0].text


def _said(client: openai.OpenAI) -> str:
    text, finish = "", None
    for chunk in client.chat.completions.create(model=MODEL, messages=ASKED, stream=True):
        text += chunk.choices[0].delta.content or ""
        finish = chunk.choices[0].finish_reason or finish
    assert finish == "stop"
    return text


# --- Anthropic's SDK, in an environment of its own

ANTHROPIC = """
import sys
from anthropic import Anthropic

client = Anthropic(base_url=sys.argv[1], api_key="unused", max_retries=0, timeout=20)
asked = dict(model="flash", max_tokens=64, messages=[{"role": "user", "content": "Why is one endpoint a gamble?"}])
whole = client.messages.create(**asked)
with client.messages.stream(**asked) as stream:
    streamed = stream.get_final_message()
assert whole.content[0].text and whole.stop_reason == "end_turn", whole
assert streamed.content[0].text == whole.content[0].text and streamed.stop_reason == "end_turn", streamed
"""


def test_the_anthropic_sdk(gateway: Poolkeeper, tmp_path: Path) -> None:
    try:
        venv = environment("clients", CLIENTS)
    except CannotBeMadeError as reason:
        pytest.skip(f"the anthropic SDK is not to be had: {reason}")
    with serving(venv.python, tmp_path / "log") as provider:
        endpoints = [provider.endpoint("a", tier=0, dialect="DeepSeek")]
        with gateway.serve(_case(Policy()), endpoints) as address:
            base_url = address.base_url.removesuffix("/v1") + "/anthropic"
            command = [str(venv.python), "-c", ANTHROPIC, base_url]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
