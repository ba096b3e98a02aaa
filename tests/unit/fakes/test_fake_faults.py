"""Faults: what arrives before, how it breaks, how the connection ends, and what the log says of it."""

import json
from collections.abc import Iterator

import pytest

from testing.fakes.harness import FakeProvider
from testing.fakes.rawhttp import End, Got, connect, exchange, receive, request

CHAT = "/v1/chat/completions"
ASK: dict[str, object] = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**ASK, "stream": True}
SILENCE_S = 0.15


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as started:
        yield started


def said(got: Got) -> int:
    """Chunks of content that arrived whole."""
    deltas = [json.loads(event)["choices"][0]["delta"] for event in got.events if event != "[DONE]"]
    return sum(1 for delta in deltas if delta.get("content"))


@pytest.mark.parametrize(
    ("scenario", "params", "want_end", "want_terminated", "want_outcome"),
    [
        ("cut", {}, End.EOF, False, "closed_by_fake"),
        ("cut", {"terminated": True}, End.EOF, True, "closed_by_fake"),
        ("cut_inside_chunk", {}, End.EOF, False, "closed_by_fake"),
        ("cut_inside_chunk", {"terminated": True}, End.EOF, True, "closed_by_fake"),
        ("reset", {}, End.RESET, False, "reset_by_fake"),
        ("stall", {}, End.OPEN, False, "client_closed"),
    ],
)
@pytest.mark.parametrize("after_chunks", [0, 1, 5])
def test_stream_breaks_after_so_many_chunks(
    fake: FakeProvider,
    scenario: str,
    params: dict[str, object],
    want_end: End,
    want_terminated: bool,
    want_outcome: str,
    after_chunks: int,
) -> None:
    fake.play({"scenario": scenario, "params": {"after_chunks": after_chunks, **params}})
    got = exchange(fake.port, CHAT, STREAM, silence_s=SILENCE_S if want_end is End.OPEN else 10.0)
    assert (said(got), got.end, got.terminated) == (after_chunks, want_end, want_terminated)
    assert "[DONE]" not in got.events
    seen = fake.wait_idle()[-1]
    assert (seen.chunks, seen.outcome, seen.status) == (after_chunks, want_outcome, 200)


def test_cut_inside_chunk_leaves_half_an_event(fake: FakeProvider) -> None:
    fake.set("cut_inside_chunk", terminated=True)
    tail = exchange(fake.port, CHAT, STREAM).payload.rpartition(b"\n\n")[2]
    assert tail.startswith(b'data: {"id":')
    assert not tail.endswith(b"}")


@pytest.mark.parametrize(
    ("scenario", "want_end"),
    [("cut", End.EOF), ("cut_inside_chunk", End.EOF), ("reset", End.RESET), ("stall", End.OPEN)],
)
def test_whole_answer_breaks_in_its_third_quarter(fake: FakeProvider, scenario: str, want_end: End) -> None:
    fake.set(scenario, after_chunks=2)
    got = exchange(fake.port, CHAT, ASK, silence_s=SILENCE_S if want_end is End.OPEN else 10.0)
    length = int(got.headers["content-length"])
    assert (got.end, got.terminated, len(got.payload) * 2 // length) == (want_end, False, 1)


def test_keepalive_forever_is_comments_or_blank_lines(fake: FakeProvider) -> None:
    fake.set("keepalive_forever", keepalive_interval_ms=5)
    stream = exchange(fake.port, CHAT, STREAM, enough=b": keep-alive\n\n\r\ne\r\n: keep-alive\n\n\r\ne\r\n: keep")
    whole = exchange(fake.port, CHAT, ASK, enough=b"1\r\n\n\r\n" * 3)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert (stream.status, whole.status, whole.headers["content-type"]) == (200, 200, "application/json")
    assert set(whole.payload) == {ord("\n")}
    assert [seen.outcome for seen in fake.wait_idle()[-2:]] == ["client_closed", "client_closed"]


def test_role_only_forever_never_says_anything(fake: FakeProvider) -> None:
    fake.set("role_only_forever", keepalive_interval_ms=5)
    with connect(fake.port) as sock:
        sock.sendall(request(CHAT, STREAM))
        got = receive(sock, enough=b'"delta":{"content":""},"logprobs":null,"finish_reason":null}]}\n\n\r\n')
    assert json.loads(got.events[0])["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert got.content == ""


def test_hang_before_headers_sends_nothing(fake: FakeProvider) -> None:
    fake.set("hang_before_headers")
    got = exchange(fake.port, CHAT, STREAM, silence_s=SILENCE_S)
    assert (got.raw, got.end) == (b"", End.OPEN)


def test_no_done_finishes_and_stays_open(fake: FakeProvider) -> None:
    fake.set("no_done")
    got = exchange(fake.port, CHAT, {**STREAM, "stream_options": {"include_usage": True}}, silence_s=SILENCE_S)
    assert (len(got.events), got.end) == (1 + 16 + 1 + 1, End.OPEN)
    assert json.loads(got.events[-2])["choices"][0]["finish_reason"] == "stop"


def test_insufficient_system_resource(fake: FakeProvider) -> None:
    fake.set("insufficient_system_resource", after_chunks=4)
    stream, whole = exchange(fake.port, CHAT, STREAM), exchange(fake.port, CHAT, ASK)
    assert said(stream) == 4
    assert json.loads(stream.events[-2])["choices"][0]["finish_reason"] == "insufficient_system_resource"
    assert (stream.events[-1], stream.terminated) == ("[DONE]", True)
    assert json.loads(whole.payload)["choices"][0]["finish_reason"] == "insufficient_system_resource"
    assert whole.content


def test_openrouter_error_in_stream_ends_it_without_done(fake: FakeProvider) -> None:
    fake.set("error_in_stream", status=429, message="slow down")
    got = exchange(fake.port, CHAT, STREAM)
    last = json.loads(got.events[-1])
    assert last["error"] == {"code": 429, "message": "slow down", "metadata": {"error_type": "rate_limit_exceeded"}}
    assert (last["choices"][0]["finish_reason"], got.terminated) == ("error", True)


def test_vllm_error_in_stream(fake: FakeProvider) -> None:
    fake.set("error_in_stream", dialect="vllm", status=500, message="engine died")
    got = exchange(fake.port, CHAT, STREAM)
    want = {"error": {"message": "engine died", "type": "InternalServerError", "param": None, "code": 500}}
    assert (json.loads(got.events[-2]), got.events[-1]) == (want, "[DONE]")


def test_error_in_a_whole_answer_comes_with_200(fake: FakeProvider) -> None:
    fake.set("error_in_stream")
    got = exchange(fake.port, CHAT, ASK)
    choice = json.loads(got.payload)["choices"][0]
    assert (got.status, choice["finish_reason"], choice["error"]["code"]) == (200, "error", 502)
    assert choice["message"]["content"]


def test_invalid_chunk_stands_in_an_otherwise_good_stream(fake: FakeProvider) -> None:
    fake.set("invalid_chunk", after_chunks=3)
    got = exchange(fake.port, CHAT, STREAM)
    broken = got.events[1 + 3]
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)
    assert broken.startswith('{"id":')
    assert (len(got.events), got.events[-1], got.terminated) == (20, "[DONE]", True)


def test_invalid_whole_answer_has_the_length_it_says(fake: FakeProvider) -> None:
    fake.set("invalid_chunk")
    got = exchange(fake.port, CHAT, ASK)
    assert got.terminated
    with pytest.raises(json.JSONDecodeError):
        json.loads(got.payload)


@pytest.mark.parametrize("asked", [ASK, STREAM], ids=["whole", "stream"])
def test_empty_200(fake: FakeProvider, asked: dict[str, object]) -> None:
    fake.set("empty_200")
    got = exchange(fake.port, CHAT, asked)
    assert (got.status, got.payload, got.terminated) == (200, b"", True)


@pytest.mark.parametrize("asked", [ASK, STREAM], ids=["whole", "stream"])
def test_empty_content(fake: FakeProvider, asked: dict[str, object]) -> None:
    fake.set("empty_content")
    got = exchange(fake.port, CHAT, asked)
    assert (got.content, got.terminated) == ("", True)
    assert b'"finish_reason":"stop"' in got.payload
    assert b'"reasoning_content":"' in got.payload
