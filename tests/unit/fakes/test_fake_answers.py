"""Good answers: shape, usage, thinking, tools, other surfaces; and that framing may differ but never the text."""

import json
from collections.abc import Iterator

import pytest

from testing.fakes.harness import FakeProvider
from testing.fakes.rawhttp import End, connect, exchange, receive, request

CHAT = "/v1/chat/completions"
ASK: dict[str, object] = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**ASK, "stream": True}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    with FakeProvider(name="official") as started:
        yield started


@pytest.fixture(autouse=True)
def _fresh(fake: FakeProvider) -> None:
    fake.reset()


def test_stream_is_role_content_finish_done(fake: FakeProvider) -> None:
    got = exchange(fake.port, CHAT, STREAM)
    chunks = [json.loads(event) for event in got.events[:-1]]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert got.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (got.terminated, got.end, got.events[-1]) == (True, End.EOF, "[DONE]")
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert all(set(delta) == {"content"} and delta["content"] for delta in deltas[1:-1])
    assert (len(deltas), deltas[-1]) == (1 + 16 + 1, {"content": ""})
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 17 + ["stop"]


def test_chunk_has_the_fields_of_the_real_one(fake: FakeProvider) -> None:
    chunk = json.loads(exchange(fake.port, CHAT, STREAM).events[1])
    seq, created = fake.log()[0].seq, int(fake.log()[0].started_wall_s)
    assert {key: value for key, value in chunk.items() if key != "choices"} == {
        "id": f"official-{seq:012d}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": "deepseek-flash",
        "system_fingerprint": "fp_official",
    }
    assert list(chunk["choices"][0]) == ["index", "delta", "logprobs", "finish_reason"]


def test_whole_answer_says_what_the_stream_says(fake: FakeProvider) -> None:
    whole, stream = exchange(fake.port, CHAT, ASK), exchange(fake.port, CHAT, STREAM)
    assert whole.content == stream.content
    assert whole.headers["content-type"] == "application/json"
    assert whole.terminated


def test_usage_stands_alone_before_done_and_is_null_until_then(fake: FakeProvider) -> None:
    got = exchange(fake.port, CHAT, {**STREAM, "stream_options": {"include_usage": True}})
    chunks = [json.loads(event) for event in got.events[:-1]]
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * 18
    assert chunks[-1]["choices"] == []
    usage = chunks[-1]["usage"]
    assert usage["completion_tokens"] == 16
    assert usage["prompt_tokens"] == usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] > 0


def test_no_usage_in_a_stream_that_did_not_ask(fake: FakeProvider) -> None:
    assert all("usage" not in event for event in exchange(fake.port, CHAT, STREAM).events)


def test_usage_may_ride_on_the_finish(fake: FakeProvider) -> None:
    fake.set("ok", usage_in_finish=True)
    chunk = json.loads(exchange(fake.port, CHAT, STREAM).events[-2])
    assert (chunk["choices"][0]["finish_reason"], chunk["usage"]["completion_tokens"]) == ("stop", 16)


def test_cache_hits_are_per_key_and_per_prefix(fake: FakeProvider) -> None:
    def hits(key: str, *said: str) -> int:
        messages = [{"role": "user", "content": text} for text in said]
        got = exchange(fake.port, CHAT, {**ASK, "messages": messages}, {"authorization": f"Bearer {key}"})
        return int(json.loads(got.payload)["usage"]["prompt_cache_hit_tokens"])

    assert hits("a", "one") == 0
    first = hits("a", "one")
    assert first > 0
    assert hits("a", "one", "two") == first
    assert hits("b", "one") == 0
    assert hits("a", "zero", "one") == 0


def test_max_tokens_ends_with_length(fake: FakeProvider) -> None:
    got = exchange(fake.port, CHAT, {**STREAM, "max_tokens": 5})
    full = exchange(fake.port, CHAT, STREAM)
    assert full.content.startswith(got.content)
    assert json.loads(got.events[-2])["choices"][0]["finish_reason"] == "length"
    assert len(got.events) == 1 + 5 + 1 + 1


def test_tokens_per_chunk(fake: FakeProvider) -> None:
    one = exchange(fake.port, CHAT, STREAM)
    fake.set("ok", tokens_per_chunk=5)
    five = exchange(fake.port, CHAT, STREAM)
    assert (five.content, len(five.events)) == (one.content, 1 + 4 + 1 + 1)


@pytest.mark.parametrize(
    ("asked", "thinking", "want"),
    [({}, "auto", False), ({"thinking": {"type": "enabled"}}, "auto", True), ({}, "on", True),
     ({"thinking": {"type": "enabled"}}, "off", False)],
    ids=["not asked", "asked", "always", "never"],
)  # fmt: skip
def test_thinking(fake: FakeProvider, asked: dict[str, object], thinking: str, want: bool) -> None:
    fake.set("ok", thinking=thinking)
    got = exchange(fake.port, CHAT, {**STREAM, **asked})
    deltas = [json.loads(event)["choices"][0]["delta"] for event in got.events[:-1]]
    thoughts = [delta["reasoning_content"] for delta in deltas if delta.get("reasoning_content")]
    assert (len(thoughts) == 8) is want
    whole = json.loads(exchange(fake.port, CHAT, {**ASK, **asked}).payload)["choices"][0]["message"]
    assert whole.get("reasoning_content", "") == "".join(thoughts)
    assert whole["content"] == got.content


def test_n_choices_differ(fake: FakeProvider) -> None:
    whole = json.loads(exchange(fake.port, CHAT, {**ASK, "n": 3}).payload)
    said = {choice["message"]["content"] for choice in whole["choices"]}
    assert len(said) == 3
    events = [json.loads(event) for event in exchange(fake.port, CHAT, {**STREAM, "n": 3}).events[:-1]]
    assert {event["choices"][0]["index"] for event in events} == {0, 1, 2}


def test_tool_call_in_stream_and_whole(fake: FakeProvider) -> None:
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {}}}
    asked = {"tools": [tool], "tool_choice": "required"}
    call = json.loads(exchange(fake.port, CHAT, {**ASK, **asked}).payload)["choices"][0]
    events = [json.loads(event) for event in exchange(fake.port, CHAT, {**STREAM, **asked}).events[:-1]]
    calls = [event["choices"][0]["delta"]["tool_calls"][0] for event in events[1:-1]]
    assert calls[0]["function"]["name"] == call["message"]["tool_calls"][0]["function"]["name"] == "look_up"
    arguments = "".join(part["function"]["arguments"] for part in calls)
    assert arguments == call["message"]["tool_calls"][0]["function"]["arguments"]
    assert list(json.loads(arguments)) == ["query"]
    assert events[-1]["choices"][0]["finish_reason"] == call["finish_reason"] == "tool_calls"


def test_completions(fake: FakeProvider) -> None:
    asked: dict[str, object] = {"model": "deepseek-flash", "prompt": "def f(", "suffix": "return 1"}
    whole = json.loads(exchange(fake.port, "/beta/completions", asked).payload)
    events = exchange(fake.port, "/v1/completions", {**asked, "stream": True}).events
    assert whole["object"] == "text_completion"
    assert whole["choices"][0]["text"] == "".join(json.loads(event)["choices"][0]["text"] for event in events[:-1])


def test_embeddings_depend_on_the_input_alone(fake: FakeProvider) -> None:
    both = json.loads(exchange(fake.port, "/v1/embeddings", {"model": "deepseek-flash", "input": ["a", "b"]}).payload)
    one = json.loads(exchange(fake.port, "/v1/embeddings", {"model": "deepseek-flash", "input": "a"}).payload)
    assert both["data"][0]["embedding"] == one["data"][0]["embedding"] != both["data"][1]["embedding"]


@pytest.mark.parametrize("scenario", ["split", "crlf", "slow15x", "keepalive_then_ok"])
@pytest.mark.parametrize("asked", [ASK, STREAM], ids=["whole", "stream"])
def test_other_framing_same_text(fake: FakeProvider, scenario: str, asked: dict[str, object]) -> None:
    want = exchange(fake.port, CHAT, asked)
    fake.set(scenario)
    got = exchange(fake.port, CHAT, asked)
    assert (got.status, got.content, got.terminated, got.end) == (200, want.content, True, End.EOF)


def test_crlf_ends_every_line_of_a_stream(fake: FakeProvider) -> None:
    fake.set("crlf")
    payload = exchange(fake.port, CHAT, STREAM).payload
    assert payload.count(b"\n") == payload.count(b"\r\n") == 2 * 19


def test_split_tears_events_over_http_chunks(fake: FakeProvider) -> None:
    fake.set("split", split_bytes=0, split_events=3)
    raw = exchange(fake.port, CHAT, STREAM).raw.partition(b"\r\n\r\n")[2]
    assert all(int(line, 16) <= 3 for line in raw.split(b"\r\n")[0::2] if line)


def test_keepalives_come_first_and_are_not_content(fake: FakeProvider) -> None:
    fake.set("keepalive_then_ok", keepalive_ms=30, keepalive_interval_ms=10)
    stream, whole = exchange(fake.port, CHAT, STREAM), exchange(fake.port, CHAT, ASK)
    assert stream.payload.startswith(b": keep-alive\n\n" * 3 + b"data: ")
    assert whole.payload.startswith(b'\n\n\n{"id"')


def test_slow_first_token_sends_headers_at_once_or_late(fake: FakeProvider) -> None:
    fake.set("slow_first_token", first_token_ms=60_000)
    early = exchange(fake.port, CHAT, STREAM, enough=b"\r\n\r\n")
    fake.set("slow_first_token", first_token_ms=60_000, early_headers=False)
    late = exchange(fake.port, CHAT, STREAM, silence_s=0.1)
    assert (early.status, early.payload, late.raw, late.end) == (200, b"", b"", End.OPEN)


def test_connection_close_is_announced_and_done(fake: FakeProvider) -> None:
    fake.set("ok", connection_close=True)
    got = exchange(fake.port, CHAT, ASK, {"connection": "keep-alive"})
    assert (got.headers["connection"], got.end, fake.wait_idle()[-1].outcome) == ("close", End.EOF, "finished")


def test_http10_gets_no_chunks_and_the_end_of_the_connection(fake: FakeProvider) -> None:
    with connect(fake.port) as sock:
        sock.sendall(request(CHAT, STREAM).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        got = receive(sock)
    assert (len(got.events), got.end, "transfer-encoding" in got.headers) == (19, End.EOF, False)


def test_expect_100_continue_is_answered_before_the_body(fake: FakeProvider) -> None:
    head, _, body = request(CHAT, ASK, {"expect": "100-continue"}).partition(b"\r\n\r\n")
    with connect(fake.port) as sock:
        sock.sendall(head + b"\r\n\r\n")
        assert receive(sock, enough=b"\r\n\r\n").status == 100
        sock.sendall(body)
        assert receive(sock, enough=b'"prompt_cache_miss_tokens":').status == 200


def test_a_request_may_choose_its_scenario(fake: FakeProvider) -> None:
    got = exchange(fake.port, CHAT, STREAM, {"x-fake-scenario": "cut; after_chunks=2; terminated=true"})
    assert (len(got.events), got.terminated) == (3, True)
    assert exchange(fake.port, CHAT, STREAM, {"x-fake-scenario": "cat"}).status == 400


def test_the_choice_is_off_unless_allowed() -> None:
    with FakeProvider(allow_header=False) as fake:
        assert exchange(fake.port, CHAT, ASK, {"x-fake-scenario": "busy503"}).status == 200
