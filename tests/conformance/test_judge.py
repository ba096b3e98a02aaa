"""The judge is judged: each kind of fault is found, and a clean case has none."""

from dataclasses import replace

import pytest

from testing.conformance.answer import End, Received
from testing.conformance.case import (
    CALLER_KEY,
    ONCE,
    Broken,
    Case,
    Mode,
    Play,
    ProviderError,
    Refused,
    Seen,
    Want,
    When,
    Whole,
    WholeOrBroken,
)
from testing.conformance.judge import Attempt, Exchange, Reference, caller_faults, faults
from testing.fakes.deepseek.log import Outcome
from testing.gateways.gateway import Endpoint

pytestmark = pytest.mark.conformance

REFERENCE = Reference("one two", "")
ONE = b'data: {"choices":[{"index":0,"delta":{"content":"one"}}]}\n\n'
TWO = b'data: {"choices":[{"index":0,"delta":{"content":" two"},"finish_reason":"stop"}]}\n\n'
ERROR = b'data: {"error":{"message":"cut"}}\n\n'
DONE = b"data: [DONE]\n\n"
GOOD = ONE + TWO + DONE


def _received(body: bytes, status: int = 200, end: End = End.CLEAN, **headers: str) -> Received:
    return Received(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, end, 0.1)


@pytest.mark.parametrize(
    ("want", "received", "want_said"),
    [
        pytest.param(Whole(), _received(GOOD), "", id="whole"),
        pytest.param(Whole(), _received(ONE + TWO), "no [DONE]", id="no done"),
        pytest.param(Whole(), _received(ONE + DONE), "only 3 of 7 characters", id="cut with a clean end"),
        pytest.param(Whole(), _received(TWO + TWO + DONE), "another text from character 0", id="another text"),
        pytest.param(Whole(), _received(GOOD + ONE), "something after [DONE]", id="more after the end"),
        pytest.param(Whole(), _received(ONE + b"data: {\n\n" + TWO + DONE), "no JSON object", id="invalid chunk"),
        pytest.param(Whole(), _received(GOOD, end=End.CUT), "was cut off", id="connection cut"),
        pytest.param(Whole(), _received(ONE, end=End.HANGS), "no end of the answer", id="hang"),
        pytest.param(Whole(), _received(b'{"error":{"message":"no"}}', 503), "status 503 (no)", id="refused"),
        pytest.param(Broken(), _received(ONE + ERROR), "", id="honest"),
        pytest.param(Broken(), _received(ONE + ERROR + DONE), "a clean end", id="error and done"),
        pytest.param(Broken(), _received(ONE, end=End.CUT), "no error event", id="cut without a word"),
        pytest.param(Broken(), _received(ERROR), "no text at all", id="error only"),
        pytest.param(WholeOrBroken(), _received(GOOD), "", id="either: whole"),
        pytest.param(WholeOrBroken(), _received(ONE + ERROR), "", id="either: honest"),
        pytest.param(WholeOrBroken(), _received(ONE + DONE), "neither whole", id="either: neither"),
        pytest.param(ProviderError(400, "no"), _received(b'{"error":{"message":"oh no"}}', 400), "", id="told"),
        pytest.param(
            ProviderError(400, "no"), _received(b'{"error":{"message":"?"}}', 400), "the provider's own", id="reworded"
        ),
        pytest.param(
            ProviderError(400, "no"), _received(b'{"error":{"message":"no"}}', 500), "wanted 400", id="other status"
        ),
        pytest.param(
            Refused(retry_after=True),
            _received(b'{"error":{"message":"x"}}', 503),
            "no Retry-After",
            id="no Retry-After",
        ),
        pytest.param(Refused(), _received(b"busy", 503), "no JSON object", id="no JSON"),
    ],
)
def test_what_the_caller_got(want: Want, received: Received, want_said: str) -> None:
    found = "; ".join(caller_faults(Mode.STREAM, Exchange(want, received, REFERENCE)))
    assert bool(found) == bool(want_said)
    assert want_said in found


ENDPOINT = Endpoint("a", "http://127.0.0.1:1/v1", "sk-a", {"flash": "a-flash"}, 0, "DeepSeek", (), 1)
ATTEMPT = Attempt(1.0, "sk-a", "a-flash", "/v1/chat/completions", {}, Outcome.FINISHED, 3)
CASE = Case("case", "Busy", "a case", Mode.STREAM, When.FIRST, (Play(),), (ONCE,))


@pytest.mark.parametrize(
    ("seen", "attempts", "want_said"),
    [
        pytest.param(ONCE, [ATTEMPT], "", id="as wanted"),
        pytest.param(ONCE, [], "0 attempts, wanted 1", id="not asked"),
        pytest.param(Seen(1, 2), [ATTEMPT] * 3, "3 attempts, wanted 1 to 2", id="asked too often"),
        pytest.param(None, [ATTEMPT] * 3, "", id="does not know"),
        pytest.param(
            Seen(2, 2, gap_ms=500), [ATTEMPT, replace(ATTEMPT, at_s=1.1)], "wanted a backoff of 500", id="no backoff"
        ),
        pytest.param(Seen(2, 2, gap_ms=500), [ATTEMPT, replace(ATTEMPT, at_s=1.5)], "", id="rested"),
        pytest.param(ONCE, [replace(ATTEMPT, key="sk-b")], "wanted its own", id="another's key"),
        pytest.param(ONCE, [replace(ATTEMPT, model="flash")], "wanted one of its own", id="another's model"),
        pytest.param(
            ONCE, [replace(ATTEMPT, headers={"x-key": CALLER_KEY})], "the caller's own key", id="caller's key"
        ),
        pytest.param(ONCE, [replace(ATTEMPT, outcome=Outcome.IN_PROGRESS)], "still open", id="left open"),
        pytest.param(Seen(1, 1, cancelled=True), [ATTEMPT], "wanted it cancelled", id="not cancelled"),
    ],
)
def test_what_providers_saw(seen: Seen | None, attempts: list[Attempt], want_said: str) -> None:
    exchanges = [Exchange(Whole(), _received(GOOD), REFERENCE)]
    found = "; ".join(faults(replace(CASE, seen=(seen,)), [ENDPOINT], exchanges, [attempts]))
    assert bool(found) == bool(want_said)
    assert want_said in found


def _conversation(*answers: tuple[int, int, int]) -> list[list[Attempt]]:
    """(endpoint, cached tokens, tokens of the prompt), in the order of their time."""
    saw: list[list[Attempt]] = [[], []]
    for number, (place, cached, prompt) in enumerate(answers):
        attempt = replace(ATTEMPT, at_s=float(number), key=PAIR[place].key, prompt=(cached, prompt))
        saw[place].append(attempt)
    return saw


PAIR = (ENDPOINT, replace(ENDPOINT, name="b", key="sk-conformance-of-b"))
MOVED = ((0, 0, 10), (0, 10, 20), (1, 0, 30), (1, 30, 40), (1, 40, 50))


@pytest.mark.parametrize(
    ("answers", "moves", "want_said"),
    [
        pytest.param(MOVED, 1, "", id="a miss for a move"),
        pytest.param(MOVED, 0, "moved 1 times, wanted 0", id="moves too often"),
        pytest.param((*MOVED, (1, 30, 60)), 1, "2 misses in 1 moves", id="misses without a move"),
        pytest.param((*MOVED, (0, 20, 60), (0, 60, 70)), 2, "80 tokens hit in the last 2 turns, 110", id="not steady"),
    ],
)
def test_what_a_prefix_cache_hit(answers: tuple[tuple[int, int, int], ...], moves: int, want_said: str) -> None:
    case = replace(CASE, plays=(Play(), Play()), seen=(Seen(0, 9), Seen(0, 9)), talk=moves, steady=2)
    found = "; ".join(faults(case, PAIR, [], _conversation(*answers)))

    assert bool(found) == bool(want_said), found
    assert want_said in found
