"""`poolkeeper explain POOL --request ID`: a request in the logs of its routers."""

import json

import pytest
from rich.console import Console

from poolkeeper.diagnostics.request_log import Found, lines_of, page

LINE = {
    "time": "2026-11-29T08:00:00.123Z",
    "request": "mine-1",
    "trace": "a" * 32,
    "span": "b" * 16,
    "pool": "team/chat",
    "client": "web",
    "api": "chat",
    "model": "deepseek-v4-pro",
    "stream": True,
    "status": 200,
    "outcome": "ok",
    "duration_ms": 1234,
    "first_token_ms": 80,
    "repaired": "user_id",
    "news": "of a later version",
    "attempts": [
        {"endpoint": "official", "tier": 0, "duration_ms": 12, "status": 503, "class": "Busy"},
        {
            "endpoint": "local",
            "tier": 1,
            "start_ms": 13,
            "duration_ms": 1200,
            "first_token_ms": 60,
            "status": 200,
            "kind": "answer",
            "tokens": {"input": 12, "output": 34},
            "cost": 0.0012,
            "currency": "USD",
            "answered_by": "smollm2",
        },
    ],
}
TEXT = json.dumps(LINE, separators=(",", ":"))


def shown(text: str) -> str:
    console = Console(width=160, no_color=True, force_terminal=False)
    with console.capture() as captured:
        console.print(page([Found("chat-router-1", line) for line in lines_of(text.splitlines(), "mine-1")]))
    return captured.get()


def test_it_says_what_was_asked_what_was_tried_and_what_came() -> None:
    said = shown(TEXT)

    for words in (
        "request mine-1 of team/chat",
        "by router chat-router-1",
        "model deepseek-v4-pro, stream, client web",
        "ok, status 200",
        "first content after 80 ms; changed for the provider: user_id",
        "official (tier 0)",
        "Busy",
        "whole, by smollm2",
        "12 in, 34 out",
        "0.001200 USD",
    ):
        assert words in said


def test_it_finds_a_line_among_others_and_reads_no_half_one() -> None:
    noise = f"2026/11/29 [warn] something\n{TEXT.replace('mine-1', 'other')}\n{TEXT}\n{TEXT[:80]}"

    assert [line.request for line in lines_of(noise.splitlines(), "mine-1")] == ["mine-1"]


@pytest.mark.parametrize("request_id", ["", "mine", 'mine-1","x":"'])
def test_a_part_of_an_id_finds_nothing(request_id: str) -> None:
    assert list(lines_of([TEXT], request_id)) == []


def test_a_request_that_nobody_answered_says_so() -> None:
    assert "none: no endpoint was asked" in shown(
        json.dumps(LINE | {"attempts": [], "outcome": "shed"}).replace('": ', '":')
    )
