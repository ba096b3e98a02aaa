"""The Messages API and the Responses API: the events of the real ones, the chat's text, faults in their own words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from testing.fakes.harness import FakeProvider
from testing.fakes.rawhttp import Got, exchange

Surface = tuple[str, dict[str, object]]
SAID = [{"role": "user", "content": "hi"}]
CHAT: Surface = ("/v1/chat/completions", {"model": "deepseek-flash", "messages": SAID})
MESSAGES: Surface = ("/anthropic/v1/messages", {"model": "deepseek-flash", "max_tokens": 100, "messages": SAID})
RESPONSES: Surface = ("/v1/responses", {"model": "deepseek-flash", "input": "hi"})
BOTH = pytest.mark.parametrize("surface", [MESSAGES, RESPONSES], ids=["messages", "responses"])


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    with FakeProvider(name="official") as started:
        yield started


@pytest.fixture(autouse=True)
def _fresh(fake: FakeProvider) -> None:
    fake.reset()


def ask(fake: FakeProvider, surface: Surface, **more: object) -> Got:
    path, body = surface
    return exchange(fake.port, path, {**body, **more})


def events(got: Got) -> list[dict[str, Any]]:
    """Each event's data; its name must be the type in there."""
    found = []
    for block in got.payload.decode().split("\n\n")[:-1]:
        name, _, data = block.partition("\n")
        if name.startswith("event: "):
            value = json.loads(data.removeprefix("data: "))
            assert value["type"] == name.removeprefix("event: ")
            found.append(value)
    return found


def types(got: Got) -> list[str]:
    """The types in their order, repeated ones once."""
    names = [event["type"] for event in events(got)]
    return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]


def streamed(got: Got) -> str:
    return "".join(
        event["delta"] if isinstance(event["delta"], str) else event["delta"].get("text", "")
        for event in events(got)
        if event["type"] in ("content_block_delta", "response.output_text.delta")
    )


# --- the same words everywhere


@BOTH
def test_all_surfaces_say_the_same_to_the_same(fake: FakeProvider, surface: Surface) -> None:
    want = ask(fake, CHAT).content
    assert streamed(ask(fake, surface, stream=True)) == want
    whole = json.loads(ask(fake, surface).payload)
    parts = whole["content"] if "content" in whole else whole["output"][0]["content"]
    assert parts[0]["text"] == want


def test_a_system_prompt_and_blocks_of_text_are_those_of_a_chat(fake: FakeProvider) -> None:
    chat: Surface = (CHAT[0], {**CHAT[1], "messages": [{"role": "system", "content": "Answer."}, *SAID]})
    want = ask(fake, chat).content
    blocks = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert streamed(ask(fake, MESSAGES, stream=True, system="Answer.", messages=blocks)) == want
    items = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]
    assert streamed(ask(fake, RESPONSES, stream=True, instructions="Answer.", input=items)) == want


# --- the Messages API


def test_events_of_a_message(fake: FakeProvider) -> None:
    got = ask(fake, MESSAGES, stream=True)
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert types(got) == ["message_start", *block, "message_delta", "message_stop"]
    start, end = events(got)[0]["message"], events(got)[-2]
    assert start["content"] == [] and start["usage"]["input_tokens"] > 0
    assert (end["delta"]["stop_reason"], end["usage"]) == ("end_turn", {"output_tokens": 16})


def test_thinking_is_a_block_of_its_own(fake: FakeProvider) -> None:
    got = ask(fake, MESSAGES, stream=True, thinking={"type": "enabled", "budget_tokens": 1024})
    deltas = [
        (event["index"], event["delta"]["type"]) for event in events(got) if "delta" in event and "index" in event
    ]
    assert list(dict.fromkeys(deltas)) == [(0, "thinking_delta"), (0, "signature_delta"), (1, "text_delta")]
    starts = [event["content_block"]["type"] for event in events(got) if event["type"] == "content_block_start"]
    assert starts == ["thinking", "text"]


def test_a_tools_input_comes_in_pieces(fake: FakeProvider) -> None:
    tools = [{"name": "search", "input_schema": {"type": "object"}}]
    got = ask(fake, MESSAGES, stream=True, tools=tools, tool_choice={"type": "any"})
    pieces = [event["delta"]["partial_json"] for event in events(got) if event["type"] == "content_block_delta"]
    assert "query" in json.loads("".join(pieces))
    whole = json.loads(ask(fake, MESSAGES, tools=tools, tool_choice={"type": "any"}).payload)
    assert (whole["stop_reason"], whole["content"][0]["name"]) == ("tool_use", "search")
    assert "query" in whole["content"][0]["input"]


def test_tokens_of_the_cache_are_counted_apart(fake: FakeProvider) -> None:
    first, second = (json.loads(ask(fake, MESSAGES).payload)["usage"] for _ in range(2))
    assert first["cache_read_input_tokens"] == second["input_tokens"] == 0
    assert first["input_tokens"] == second["cache_read_input_tokens"] > 0


def test_the_key_may_come_anthropics_way(fake: FakeProvider) -> None:
    fake.settings(keys=["sk-a"])
    path, body = MESSAGES
    assert exchange(fake.port, path, body, {"x-api-key": "sk-a"}).status == 200
    assert exchange(fake.port, path, body, {"authorization": "Bearer sk-a", "x-api-key": "sk-b"}).status == 200
    refused = exchange(fake.port, path, body, {"x-api-key": "sk-b"})
    assert (refused.status, json.loads(refused.payload)["error"]["type"]) == (401, "authentication_error")
    assert exchange(fake.port, *CHAT, {"x-api-key": "sk-a"}).status == 401


# --- the Responses API


def test_events_of_a_response_are_numbered_and_the_last_says_all(fake: FakeProvider) -> None:
    got = ask(fake, RESPONSES, stream=True)
    assert [event["sequence_number"] for event in events(got)] == list(range(len(events(got))))
    assert types(got) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    last = events(got)[-1]
    assert (last["type"], last["response"]["status"]) == ("response.completed", "completed")
    assert last["response"]["output"][0]["content"][0]["text"] == streamed(got)
    assert last["response"]["usage"]["output_tokens"] == 16


def test_a_limit_leaves_a_response_incomplete(fake: FakeProvider) -> None:
    last = events(ask(fake, RESPONSES, stream=True, max_output_tokens=3))[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_reasoning_is_an_item_of_its_own(fake: FakeProvider) -> None:
    got = ask(fake, RESPONSES, stream=True, reasoning={"effort": "high"})
    items = [event["item"]["type"] for event in events(got) if event["type"] == "response.output_item.added"]
    assert items == ["reasoning", "message"]
    assert "response.reasoning_text.delta" in types(got)


# --- faults


@pytest.mark.parametrize(
    ("scenario", "want_status", "want_type"),
    [
        ("busy503", 503, "overloaded_error"),
        ("busy200", 200, "overloaded_error"),
        ("rate_limit", 429, "rate_limit_error"),
        ("auth", 401, "authentication_error"),
        ("insufficient_balance", 402, "billing_error"),
        ("bad_request", 400, "invalid_request_error"),
    ],
)
def test_a_refusal_of_the_messages_api_is_in_its_shape(
    fake: FakeProvider, scenario: str, want_status: int, want_type: str
) -> None:
    fake.set(scenario)
    got = ask(fake, MESSAGES)
    body = json.loads(got.payload)
    assert (got.status, body["type"], body["error"]["type"]) == (want_status, "error", want_type)


def test_a_refusal_of_the_responses_api_is_openais(fake: FakeProvider) -> None:
    fake.set("busy503")
    assert "too busy" in json.loads(ask(fake, RESPONSES).payload)["error"]["message"]


@BOTH
@pytest.mark.parametrize(
    ("scenario", "want_last"),
    [
        ("cut", ("content_block_delta", "response.output_text.delta")),
        ("error_in_stream", ("error", "response.failed")),
        ("insufficient_system_resource", ("message_stop", "response.incomplete")),
    ],
)
def test_streams_fail_after_some_text(
    fake: FakeProvider, surface: Surface, scenario: str, want_last: tuple[str, str]
) -> None:
    fake.set(scenario)
    got = ask(fake, surface, stream=True)
    assert len([event for event in events(got) if event["type"].endswith("delta") and "delta" in event]) >= 3
    assert types(got)[-1] in want_last


@BOTH
def test_no_done_is_all_but_the_last_event(fake: FakeProvider, surface: Surface) -> None:
    fake.set("no_done")
    path, body = surface
    got = exchange(fake.port, path, {**body, "stream": True}, silence_s=0.5)
    assert types(got)[-1] in ("message_delta", "response.output_item.done")


def test_a_response_that_failed_says_so_whole(fake: FakeProvider) -> None:
    fake.set("error_in_stream")
    body = json.loads(ask(fake, RESPONSES).payload)
    assert (body["status"], body["error"]["code"]) == ("failed", "server_error")
