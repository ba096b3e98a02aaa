"""What is asked, whatever the user's file says."""

import json

import pytest

from poolkeeper.api.endpoint import Provider
from poolkeeper.probing.samples import BUILT_IN, Samples, chosen, parse, request_body

HELLO: dict[str, object] = {"messages": [{"role": "user", "content": "Hello"}]}


def asking(**members: str) -> str:
    """A sample with these members besides, each as it is written."""
    more = "".join(f', "{name}": {text}' for name, text in members.items())
    return f'{{"messages": [{{"role": "user", "content": "Hello"}}]{more}}}'


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("{", "line 1: is not JSON"),
        ("[]", "line 1: is not a JSON object"),
        ("{}", "line 1: has no messages"),
        ('{"messages": []}', "line 1: has no messages"),
        ('{"messages": [{"content": "x"}]}', "line 1: has a message without a role"),
        ('{"messages": [{"role": "user", "content": "' + "x" * 70_000 + '"}]}', "line 1: is longer than 64 KiB"),
        ("", "there is no sample"),
        ("[" * 60_000, "line 1: is nested more than 64 levels deep"),
        (asking(deep=nested(20_000)), "line 1: is nested more than 64 levels deep"),
        (asking(deep=nested(100)), "line 1: is nested more than 64 levels deep"),
        (asking(temperature="NaN"), "line 1: is not JSON"),
        (asking(temperature="-Infinity"), "line 1: is not JSON"),
        (asking(temperature="1e999"), "line 1: holds a number or a character that cannot be sent"),
        (asking(stop=r'"\ud83d"'), "line 1: holds a number or a character that cannot be sent"),
    ],
    ids=lambda value: value[:40],
)
def test_a_line_that_cannot_be_used_is_reported_and_not_quoted(line: str, want: str) -> None:
    samples = parse(line)

    assert samples.bodies == ()
    assert want in samples.note
    assert "built-in" in samples.note
    assert chosen(samples, 5) is BUILT_IN


def test_good_lines_are_used_beside_bad_ones_and_empty_ones() -> None:
    samples = parse("\n".join([json.dumps(HELLO), "", "nonsense", json.dumps(HELLO)]))

    assert samples.bodies == (HELLO, HELLO)
    assert samples.note == "samples: line 3: is not JSON"


def test_a_line_ends_where_jsonl_says() -> None:
    """Not at every character that ends a line of prose: a prompt may hold them."""
    said = {"messages": [{"role": "user", "content": "one\u2028two\x85three"}]}

    assert parse(json.dumps(said, ensure_ascii=False) + "\r\n" + json.dumps(HELLO)).bodies == (said, HELLO)


def test_there_is_an_end_to_samples() -> None:
    samples = parse("\n".join([json.dumps(HELLO)] * 200))

    assert len(samples.bodies) == 100
    assert len(samples.note) < 200


def test_consecutive_numbers_walk_through_the_samples() -> None:
    samples = Samples(({"n": 1}, {"n": 2}))

    assert [chosen(samples, at) for at in range(3)] == [{"n": 1}, {"n": 2}, {"n": 1}]


def test_what_is_sent() -> None:
    greedy = {**HELLO, "stream": False, "max_tokens": 9000, "n": 5, "model": "x", "user": "me", "temperature": 0}

    assert request_body(greedy, "OpenAI", "deepseek-flash", 64, "abc") == {
        "model": "deepseek-flash",
        "messages": [{"role": "user", "content": "(abc) Hello"}],
        "max_tokens": 64,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "user": "poolkeeper-probe",
    }


def test_a_sample_may_ask_for_less() -> None:
    assert request_body({**HELLO, "max_tokens": 7}, "OpenAI", "m", 64, "n")["max_tokens"] == 7


@pytest.mark.parametrize(
    ("provider", "want"),
    [
        ("DeepSeek", {"thinking": {"type": "disabled"}}),
        ("OpenAI", {}),
        ("OpenRouter", {"reasoning": {"enabled": False}}),
    ],
)
def test_thinking_is_off_where_that_can_be_said(provider: Provider, want: dict[str, object]) -> None:
    plain = request_body(HELLO, "OpenAI", "m", 64, "n")

    assert request_body(HELLO, provider, "m", 64, "n") == {**plain, **want}


def test_a_sample_may_think_all_the_same() -> None:
    thinking = {"type": "enabled"}

    assert request_body({**HELLO, "thinking": thinking}, "DeepSeek", "m", 64, "n")["thinking"] == thinking


@pytest.mark.parametrize(
    ("content", "want"),
    [
        ([{"type": "text", "text": "x"}], [{"type": "text", "text": "(n)"}, {"type": "text", "text": "x"}]),
        ("x", "(n) x"),
    ],
)
def test_the_prompt_begins_with_what_no_cache_knows(content: object, want: object) -> None:
    body = request_body({"messages": [{"role": "system", "content": content}]}, "OpenAI", "m", 64, "n")

    assert body["messages"] == [{"role": "system", "content": want}]


def test_a_message_without_content_gets_one_before_it() -> None:
    sample: dict[str, object] = {"messages": [{"role": "assistant", "tool_calls": []}]}

    assert request_body(sample, "OpenAI", "m", 64, "n")["messages"] == [
        {"role": "user", "content": "(n)"},
        {"role": "assistant", "tool_calls": []},
    ]
