"""Anthropic's SDK, on the ordinary paths and on the two that an SDK must notice: refused, and cut."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import anthropic
import pytest
from anthropic.types import Message, MessageParam, ToolParam

from testing.conformance.case import CALLER_KEY, Case, Mode, Play, Policy, When
from testing.conformance.llmock import serving
from testing.conformance.with_poolkeeper import PoolkeeperUnderTest
from testing.fakes.deepseek import bodies
from testing.fakes.harness import FakeProvider
from testing.gateways.environments import CLIENTS, CannotBeMadeError, environment

pytestmark = pytest.mark.conformance
MODEL = "flash"
ASKED: list[MessageParam] = [{"role": "user", "content": "Why is one endpoint a gamble?"}]
TOOLS: list[ToolParam] = [{"name": "search", "input_schema": {"type": "object"}}]
FAULTS = ("ok", "busy503", "refuse", "keepalive_forever")
CUTS = ("cut", "stall", "error_in_stream", "insufficient_system_resource", "invalid_chunk")

Pool = Callable[..., anthropic.Anthropic]


@pytest.fixture
def pool(pool_at: Callable[[Policy], str]) -> Iterator[Pool]:
    """A client of a pool of two providers, under a policy."""
    with ExitStack() as stack:

        def client(policy: Policy | None = None) -> anthropic.Anthropic:
            return stack.enter_context(_client(pool_at(policy or Policy())))

        yield client


def _client(url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=url + "/anthropic", api_key=CALLER_KEY, max_retries=0, timeout=20)


def _streamed(client: anthropic.Anthropic) -> Message:
    with client.messages.stream(model=MODEL, max_tokens=100, messages=ASKED) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == _text(final)
    return final


def _text(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.parametrize("scenario", FAULTS)
def test_a_message_is_whole_whatever_the_first_endpoint_does(
    scenario: str, pool: Pool, official: FakeProvider, backup: FakeProvider
) -> None:
    want = _text(_streamed(_client(backup.url)))
    official.set(scenario)
    client = pool()
    streamed = _streamed(client)
    whole = client.messages.create(model=MODEL, max_tokens=100, messages=ASKED)
    for message in (streamed, whole):
        assert (_text(message), message.stop_reason) == (want, "end_turn")
        assert message.usage.output_tokens == 16


def test_thinking_comes_first(pool: Pool) -> None:
    message = pool().messages.create(
        model=MODEL, max_tokens=2048, messages=ASKED, thinking={"type": "enabled", "budget_tokens": 1024}
    )
    assert [block.type for block in message.content] == ["thinking", "text"]


def test_a_tools_input_arrives_in_pieces(pool: Pool) -> None:
    asked = pool().messages.stream(
        model=MODEL, max_tokens=100, messages=ASKED, tools=TOOLS, tool_choice={"type": "any"}
    )
    with asked as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        final = stream.get_final_message()
    assert len(pieces) > 1
    assert final.stop_reason == "tool_use"
    assert final.content[0].type == "tool_use" and "query" in final.content[0].input


def test_the_providers_refusal_is_the_sdks_own_exception(pool: Pool, official: FakeProvider) -> None:
    official.set("bad_request")
    with pytest.raises(anthropic.BadRequestError, match=bodies.FORMAT_MESSAGE):
        pool().messages.create(model=MODEL, max_tokens=100, messages=ASKED)


def test_a_pool_that_is_down_says_when_to_come_back(pool: Pool, official: FakeProvider, backup: FakeProvider) -> None:
    official.set("busy503")
    backup.set("busy503")
    with pytest.raises(anthropic.APIStatusError) as caught:
        pool().messages.create(model=MODEL, max_tokens=100, messages=ASKED)
    assert caught.value.status_code == 503
    assert int(caught.value.response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("scenario", CUTS)
def test_a_cut_stream_is_finished_by_another_endpoint(
    scenario: str, pool: Pool, official: FakeProvider, backup: FakeProvider
) -> None:
    want = _text(_streamed(_client(backup.url)))
    official.set(scenario, token_interval_ms=30)
    message = _streamed(pool())
    assert (_text(message), message.stop_reason) == (want, "end_turn")


@pytest.mark.parametrize("scenario", CUTS)
def test_a_cut_stream_is_an_exception_never_an_end(scenario: str, pool: Pool, official: FakeProvider) -> None:
    official.set(scenario, token_interval_ms=30)
    got, client = "", pool(Policy(recovery="Error"))
    with (
        pytest.raises(anthropic.APIError),
        client.messages.stream(model=MODEL, max_tokens=100, messages=ASKED) as stream,
    ):
        for event in stream:
            assert event.type != "message_stop"
            got += event.text if event.type == "text" else ""
    assert got


def test_models_are_the_pools_own(pool: Pool) -> None:
    client = pool()
    assert [model.id for model in client.models.list()] == ["flash", "pro"]
    assert client.models.retrieve("pro").display_name == "pro"
    with pytest.raises(anthropic.NotFoundError, match="gpt-9"):
        client.models.retrieve("gpt-9")


def test_an_independent_fake_is_understood(gateway: PoolkeeperUnderTest, tmp_path: Path) -> None:
    try:
        venv = environment("clients", CLIENTS)
    except CannotBeMadeError as reason:
        pytest.skip(f"llmock is not available: {reason}")
    case = Case("sdk", "SDK", "an SDK asks", Mode.STREAM, When.FIRST, (Play(),), (None,))
    with serving(venv.python, tmp_path / "log") as provider:
        endpoints = [provider.endpoint("a", tier=0, dialect="DeepSeek")]
        with gateway.serve(case, endpoints) as address, _client(address.base_url.removesuffix("/v1")) as client:
            whole = client.messages.create(model=MODEL, max_tokens=64, messages=ASKED)
            streamed = _streamed(client)
    assert _text(whole) and _text(whole) == _text(streamed)
    assert (whole.stop_reason, streamed.stop_reason) == ("end_turn", "end_turn")
