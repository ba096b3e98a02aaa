"""What a person reads of a choice: shares of the candidates, and why not the others, router by router."""

import json

import pytest
from rich.console import Console

from poolkeeper.api.router_choice import RouterChoice
from poolkeeper.diagnostics import choice_page
from poolkeeper.diagnostics.choice_page import Answered
from poolkeeper.errors import UserError


def row(name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "tier": 0, **fields}


def candidate(name: str, weight: float, **fields: object) -> dict[str, object]:
    return row(name, weight=weight, inFlight=1, limit=50, **fields)


def lines(*rows: dict[str, object], client: str | None = None, allowed: bool = True) -> list[str]:
    choice = RouterChoice.model_validate({"isAllowed": allowed, "endpoints": rows})
    console = Console(width=200, no_color=True)
    with console.capture() as capture:
        console.print(choice_page.page("team/chat", Answered("m", client, {"chat-router-a": choice})))
    return [" ".join(line.split()) for line in capture.get().splitlines() if line.strip()]


def test_candidates_share_by_weight_and_others_say_why_not() -> None:
    found = lines(
        candidate("a", 75),
        candidate("b", 25),
        candidate("low", 100, tier=1, excluded="AnotherTier", meaning="the turn is another tier's"),
        row("out", excluded="Backoff", because="Busy", meaning="it has a backoff"),
    )

    assert found == [
        "team/chat: a chat request for m of any caller",
        "router chat-router-a",
        "ENDPOINT TIER SHARE WEIGHT IN FLIGHT EXCLUDED WHY",
        "a 0 75% 75 1/50 -",
        "b 0 25% 25 1/50 -",
        "low 1 - 100 1/50 AnotherTier the turn is another tier's",
        "out 0 - - - Backoff it has a backoff: Busy",
    ]


def test_without_any_weight_they_are_drawn_alike() -> None:
    assert lines(candidate("a", 0), candidate("b", 0))[3:] == ["a 0 50% 0 1/50 -", "b 0 50% 0 1/50 -"]


def test_a_model_that_the_client_may_not_request_is_said_first() -> None:
    found = lines(candidate("a", 1), client="web", allowed=False)

    assert found[0] == "team/chat: a chat request for m of client web"
    assert found[2] == "the client may not request this model (access.clients[].allow.models)"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (None, "older than this command"),
        ("<html>", "not one that this command can read"),
        (json.dumps({"endpoints": [row("a", weight=-1)]}), "not one that this command can read"),
        (json.dumps({"endpoints": [row("a")] * 65}), "not one that this command can read"),
    ],
)
def test_what_a_router_cannot_have_said_is_refused(text: str | None, want: str) -> None:
    with pytest.raises(UserError, match=want):
        choice_page.read("chat-router-a", text)


def test_nothing_that_a_terminal_obeys_gets_in() -> None:
    shown = json.dumps({"endpoints": [row("a\x1b[2J", excluded="x\n", meaning="y\x07")]})

    one = choice_page.read("r", shown).endpoints[0]

    assert "\x1b" not in one.name
    assert "\n" not in one.excluded
    assert "\x07" not in one.meaning
