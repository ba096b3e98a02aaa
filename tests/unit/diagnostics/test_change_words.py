"""What happened, for people: no word of the inside in it."""

import re

import pytest

from poolkeeper.api.router_state import Transition
from poolkeeper.diagnostics.change_words import change_text
from testing.router_lua import runtime


def change(before: str, after: str, reason: str, endpoint: str = "official") -> Transition:
    return Transition.model_validate({"endpoint": endpoint, "from": before, "to": after, "reason": reason})


CASES = {
    "opened": (change("Closed", "Open", "Busy"), "is overloaded: no more requests for a while (its breaker opened)"),
    "tried": (change("Open", "HalfOpen", "RecoveryTimeoutPassed"), "its pause is over: single requests try it"),
    "tried for a check": (
        change("Open", "HalfOpen", "HealthCheckPassed"),
        "its health checks pass again: the next request tries it",
    ),
    "closed": (change("HalfOpen", "Closed", "TrialsPassed"), "half-open requests succeeded: it takes requests again"),
    "refused": (
        change("InService", "OutOfService", "CredentialsRejected"),
        "refuses the API key: it gets no more requests",
    ),
    "back": (change("OutOfService", "InService", "Answered"), "it answered: it takes requests again"),
    "a word that nobody knows": (
        change("Closed", "Open", "New"),
        "no more requests for a while (its breaker opened) (New)",
    ),
    "the pool breaker": (
        change("Closed", "Open", "NoAnswer", endpoint=""),
        "most of its requests end without an answer: callers get the fallback at once (pool breaker opened)",
    ),
    "the pool breaker, closed": (
        change("HalfOpen", "Closed", "TrialsPassed", endpoint=""),
        "the pool answers again: requests go to endpoints (pool breaker closed)",
    ),
    "no word": (change("Closed", "Open", "key sk-1"), "no more requests for a while (its breaker opened)"),
}


@pytest.mark.parametrize(("given", "want"), CASES.values(), ids=CASES.keys())
def test_change(given: Transition, want: str) -> None:
    assert change_text(given) == want


def test_no_class_of_failure_is_reported_by_an_internal_word() -> None:
    classes = runtime().eval(b'require("core.error.outcome").CLASSES')
    counted = sorted(name.decode() for name, does in classes.items() if does[b"counts"])

    for name in counted:
        assert not re.search(r"[a-z][A-Z]", change_text(change("Closed", "Open", name))), name
