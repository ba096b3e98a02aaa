"""What is known of an answer, whichever way its bytes come."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.router import vectors
from contract.router.meaning import kind
from poolkeeper.api.reasons import ProbeReason as R
from poolkeeper.probing.evaluate import Asked, judge_exchange
from poolkeeper.probing.phases import Ending, Exchange, Usage
from poolkeeper.probing.stream import AnswerReader
from poolkeeper.providers.classify import refusal
from poolkeeper.providers.refusal_reason import refused_with

USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}


def event(**choice: object) -> str:
    return f"data: {json.dumps({'model': 'm', 'choices': [{'index': 0, **choice}]})}\n\n"


ROLE = event(delta={"role": "assistant", "content": ""})
ONE, TWO = event(delta={"content": "one"}), event(delta={"content": " two"})
NO_MACHINES = event(delta={}, finish_reason="insufficient_system_resource")
END = event(delta={}, finish_reason="stop")
COUNTED = f"data: {json.dumps({'choices': [], 'usage': USAGE})}\n\n"
DONE = "data: [DONE]\n\n"
WHOLE = ": keep-alive\n\n" + ROLE + ONE + TWO + END + COUNTED + DONE


def read(
    *pieces: bytes,
    kind: str = "text/event-stream",
    status: int = 200,
    gave_up: bool = False,
    broken: bool = False,
) -> Exchange:
    """Each piece a millisecond after the other."""
    reader = AnswerReader("DeepSeek")
    reader.headers(status, kind, 1.0)
    for at, piece in enumerate(pieces, 2):
        reader.feed(piece, float(at))
    return reader.ended(100.0, gave_up, broken)


def test_a_whole_stream() -> None:
    seen = read(*(part.encode() for part in (": keep-alive\n\n", ROLE, ONE, TWO, END + COUNTED + DONE)))

    assert (seen.alive_ms, seen.first_content_ms, seen.last_content_ms, seen.ended_ms) == (2.0, 4.0, 5.0, 100.0)
    assert (seen.ending, seen.pieces, seen.finish, seen.model) == (Ending.COMPLETE, 2, "stop", "m")
    assert seen.usage == Usage(9, 2, 4)


@given(
    cuts=st.lists(st.integers(0, len(WHOLE)), max_size=6),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_where_the_network_cuts_does_not_matter(cuts: list[int], line_end: str, mark: str) -> None:
    whole = (mark + WHOLE.replace("\n", line_end)).encode()
    borders = sorted({0, len(whole), *cuts})
    seen = read(*(whole[start:stop] for start, stop in pairwise(borders)))

    assert (seen.ending, seen.pieces, seen.usage, seen.is_invalid) == (Ending.COMPLETE, 2, Usage(9, 2, 4), False)


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain; charset=utf-8"])
def test_a_stream_is_known_by_its_first_bytes(content_type: str) -> None:
    sent = ("\ufeff\n\n" + WHOLE).encode()
    seen = read(*(sent[at : at + 1] for at in range(len(sent))), kind=content_type)

    assert (seen.ending, seen.pieces, seen.is_invalid, seen.refused) == (Ending.COMPLETE, 2, False, None)


def test_an_answer_may_have_another_status_that_is_good() -> None:
    assert read(WHOLE.encode(), status=201).pieces == 2
    assert read(b'{"error":{"message":"busy"}}', kind="application/json", status=201).refused is not None


def test_a_reason_to_finish_that_more_content_follows_was_none() -> None:
    assert read((ONE + END + TWO).encode()).ending is Ending.CUT
    assert read((ONE + END + TWO + END).encode()).ending is Ending.COMPLETE


ENDS: dict[str, tuple[str, str, Ending]] = {
    "a reason to finish, and no [DONE]": (ROLE + ONE + END, "gave up", Ending.COMPLETE),
    "no reason, no [DONE], and a clean end": (ROLE + ONE, "", Ending.CUT),
    "reset after a part": (ROLE + ONE, "broken", Ending.CUT),
    "reset after the reason": (ROLE + ONE + END, "broken", Ending.CUT),
    "silence after a part": (ROLE + ONE, "gave up", Ending.GAVE_UP),
    "out of machines": (ROLE + ONE + NO_MACHINES + DONE, "", Ending.CUT),
    "an error after a part": (ROLE + ONE + 'data: {"error":{"code":502}}\n\n', "", Ending.CUT),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_how_it_ends(name: str) -> None:
    text, how, want = ENDS[name]

    assert read(text.encode(), gave_up=how == "gave up", broken=how == "broken").ending is want


@pytest.mark.parametrize("case", vectors("events")["cases"], ids=lambda case: f"{case['provider']}: {case['name']}")
def test_an_event_means_what_it_means_to_the_router(case: dict[str, Any]) -> None:
    reader = AnswerReader(case["provider"])
    reader.headers(200, "text/event-stream", 1.0)
    reader.feed(case["event"].encode(), 2.0)
    want = case["want"]

    seen = reader.ended(3.0, gave_up=True)

    assert kind(seen) == want["kind"]
    if want["kind"] == "error":
        data = "\n".join(line.removeprefix("data: ") for line in case["event"].split("\n") if line.startswith("data"))
        found = refusal(200, data.encode(), case["provider"])
        assert (found.outcome, found.reason) == (want["class"], want["reason"])
        assert seen.refused is refused_with(200, data.encode(), case["provider"])


@pytest.mark.parametrize(
    ("delta", "want_text", "want_reasoning"),
    [
        ({"content": "x"}, True, False),
        ({"reasoning_content": "x"}, False, True),
        ({"tool_calls": [{}]}, True, False),
        ({"refusal": "I cannot"}, True, False),
        ({"reasoning_details": [{"text": "x"}]}, False, True),
        ({"role": "assistant"}, False, False),
        ({"content": ""}, False, False),
        ({"content": None}, False, False),
    ],
)
def test_what_is_content(delta: dict[str, object], want_text: bool, want_reasoning: bool) -> None:
    seen = read(event(delta=delta).encode())

    assert (seen.has_text, seen.has_reasoning) == (want_text, want_reasoning)
    assert (seen.first_content_ms is not None) is (want_text or want_reasoning)


@pytest.mark.parametrize(
    ("status", "body", "want"),
    [
        (401, "{}", R.CredentialsRejected),
        (402, "Insufficient Balance", R.BalanceExhausted),
        (400, '{"error":{"message":"Model Not Exist"}}', R.ModelMissing),
        (400, '{"error":{"message":"no"}}', R.SampleRefused),
        (429, "{}", R.RateLimited),
        (503, "{}", R.Busy),
        (502, "<html>", R.ServerError),
        (307, "", R.ServerError),
        (200, '{"error":{"message":"Service is too busy."}}', R.Busy),
        (200, "<html>", R.InvalidAnswer),
    ],
)
def test_what_is_no_answer(status: int, body: str, want: R) -> None:
    assert read(body.encode(), kind="application/json", status=status).refused is want


def test_a_busy_event_at_once_is_a_refusal() -> None:
    assert read(b'data: {"error":{"message":"Service is too busy"}}\n\n').refused is R.Busy


def test_nothing_is_waited_for_after_an_event_that_is_no_json() -> None:
    """Whatever comes behind it, a router passes none of it on."""
    seen = read((ROLE + "data: {broken\n\n" + ONE).encode(), gave_up=True)

    assert (seen.is_invalid, seen.ending, seen.pieces) == (True, Ending.COMPLETE, 0)


@pytest.mark.parametrize("choices", ["[]", "[1]", "[{}]", '[{"message":null}]', '[{"delta":{"content":"x"}}]', "{}"])
def test_a_whole_answer_has_choices_that_say_something(choices: str) -> None:
    assert read(f'{{"choices":{choices}}}'.encode(), kind="application/json").refused is R.InvalidAnswer


def test_an_answer_that_does_not_end_is_not_read_for_ever() -> None:
    reader = AnswerReader("OpenAI")
    reader.headers(200, "text/event-stream", 1.0)
    reader.feed(b":" * (1 << 21), 2.0)

    assert reader.is_done
    assert reader.ended(3.0).is_invalid


def test_a_whole_answer_in_place_of_a_stream() -> None:
    body = {"model": "m", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": USAGE}
    seen = read(json.dumps(body).encode(), kind="application/json")

    assert (seen.ending, seen.has_text, seen.refused) == (Ending.COMPLETE, True, None)


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("case", vectors("empty")["cases"], ids=lambda case: case["name"])
def test_an_empty_answer_is_one_to_the_router(case: dict[str, Any], is_stream: bool) -> None:
    member = "delta" if is_stream else "message"
    text = json.dumps({"choices": [{"index": 0, member: case["message"], "finish_reason": case["finish"]}]})
    seen = read(f"data: {text}\n\n{DONE}".encode() if is_stream else text.encode(), kind="")
    want = case.get("probe", "EmptyAnswer" if case["empty"] else None)

    assert judge_exchange(seen, Asked("DeepSeek", "m", first_token_ms=5000, min_tokens_per_second=0)) == want
