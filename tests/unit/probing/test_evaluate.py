"""What one look says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from poolkeeper.api.reasons import ProbeReason as R
from poolkeeper.probing.evaluate import Asked, judge_exchange, judge_reach
from poolkeeper.probing.model_names import is_same_model
from poolkeeper.probing.phases import Certificate, Ending, Exchange, Reach, Usage

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ASKED = Asked("DeepSeek", "deepseek-flash", first_token_ms=5000, min_tokens_per_second=5)
GOOD = Exchange(
    status=200,
    headers_ms=200,
    alive_ms=250,
    first_content_ms=800,
    last_content_ms=2400,
    ended_ms=2420,
    ending=Ending.COMPLETE,
    pieces=64,
    has_text=True,
    finish="length",
    model="deepseek-flash",
    usage=Usage(20, 64),
)
NOTHING = Exchange(status=200, headers_ms=200, ended_ms=20_000)

EXCHANGES: dict[str, tuple[Exchange, R | None]] = {
    "a good answer": (GOOD, None),
    "a refusal, whatever else": (Exchange(status=402, refused=R.BalanceExhausted), R.BalanceExhausted),
    "no byte in time": (Exchange(ended_ms=20_000), R.NoAnswer),
    "headers, and then nothing": (NOTHING, R.NoAnswer),
    "keep-alives, and no content in time": (replace(NOTHING, alive_ms=210), R.KeepAliveOnly),
    "closed before any header": (Exchange(ended_ms=3_000, ending=Ending.CUT), R.NoAnswer),
    "closed before any content": (replace(NOTHING, ended_ms=900, ending=Ending.CUT), R.EmptyAnswer),
    "closed in the middle": (replace(GOOD, ending=Ending.CUT), R.TruncatedStream),
    "closed in the middle, after a minute": (replace(GOOD, ending=Ending.CUT, ended_ms=60_100), R.CutAtRoundSeconds),
    "closed in the middle, after 61 s": (replace(GOOD, ending=Ending.CUT, ended_ms=61_000), R.TruncatedStream),
    "kept alive, then closed after half a minute": (
        replace(NOTHING, alive_ms=210, ending=Ending.CUT, ended_ms=30_050),
        R.CutAtRoundSeconds,
    ),
    "an event that is no JSON": (replace(GOOD, is_invalid=True), R.InvalidAnswer),
    "finished without content": (replace(GOOD, has_text=False, finish="stop"), R.EmptyAnswer),
    "all of it is thought": (replace(GOOD, has_text=False, has_reasoning=True, finish="stop"), R.EmptyAnswer),
    "thought until the limit": (replace(GOOD, has_text=False, has_reasoning=True, finish="length"), None),
    "the first token just in time": (replace(GOOD, first_content_ms=5000, last_content_ms=6600), None),
    "the first token too late": (replace(GOOD, first_content_ms=5001, last_content_ms=6600), R.SlowFirstToken),
    "the first token too late, but we were asleep": (
        replace(GOOD, first_content_ms=5900, last_content_ms=7500, stalled_ms=1000),
        None,
    ),
    "tokens just fast enough": (replace(GOOD, last_content_ms=800 + 63 * 200), None),
    "tokens too slow": (replace(GOOD, last_content_ms=800 + 63 * 201), R.SlowTokens),
    "too few tokens for a speed": (replace(GOOD, usage=Usage(20, 3), pieces=3, last_content_ms=9000), None),
    "begun, and not finished in time": (replace(GOOD, ending=Ending.GAVE_UP), R.SlowTokens),
    "another model": (replace(GOOD, model="deepseek-v3.2"), R.WrongModel),
    "no word on the model": (replace(GOOD, model=""), None),
    "all of it at once": (replace(GOOD, last_content_ms=801), R.BufferedStream),
    "all of it at once, but we were asleep": (replace(GOOD, last_content_ms=801, stalled_ms=130), None),
    "all of it at once, and we dozed": (replace(GOOD, last_content_ms=801, stalled_ms=100), R.BufferedStream),
    "all of it at once, and at once": (replace(GOOD, first_content_ms=20, last_content_ms=21), None),
    "a short answer after a long wait": (
        replace(GOOD, pieces=10, first_content_ms=4900, last_content_ms=4945, usage=Usage(20, 10)),
        None,
    ),
    "all of it at once, after a long wait": (
        replace(GOOD, first_content_ms=4900, last_content_ms=4925),
        R.BufferedStream,
    ),
    "all of it in a few pieces": (replace(GOOD, last_content_ms=801, pieces=3), None),
}


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_exchange(name: str) -> None:
    seen, want = EXCHANGES[name]

    assert judge_exchange(seen, ASKED) == want


def test_a_speed_of_zero_is_never_too_slow() -> None:
    crawling = replace(GOOD, last_content_ms=600_000)

    assert judge_exchange(crawling, replace(ASKED, min_tokens_per_second=0)) is None


def test_ones_own_server_answers_in_any_name() -> None:
    assert judge_exchange(replace(GOOD, model="smollm2.gguf"), replace(ASKED, provider="LlamaCpp")) is None


@pytest.mark.parametrize(
    ("asked", "answered", "want"),
    [
        ("deepseek-flash", "deepseek-flash", True),
        ("deepseek-flash", "DeepSeek-V4.1-Flash-1017", True),
        ("deepseek/deepseek-flash:free", "deepseek-flash", True),
        ("deepseek-v4-pro", "deepseek-v4-pro-0813", True),
        ("deepseek-v4-flash", "deepseek-v3.2", False),
        ("deepseek-v4-pro", "deepseek-flash", False),
        ("deepseek-v4-pro", "deepseek-v4-flash", False),
        ("deepseek-flash", "qwen2.5-7b", False),
    ],
)
def test_the_same_model_under_another_name(asked: str, answered: str, want: bool) -> None:
    assert is_same_model(asked, answered) is want


def _lives(age_days: float, left_days: float) -> Reach:
    return Reach(certificate=Certificate(NOW - timedelta(days=age_days), NOW + timedelta(days=left_days)))


@pytest.mark.parametrize(
    ("reach", "want"),
    [
        (Reach(), None),
        (Reach(failed=R.DnsFailed), R.DnsFailed),
        (_lives(60, 30), None),
        (_lives(87, 3), R.CertificateExpiring),
        (_lives(1, 5), None),
        (_lives(5, 1), R.CertificateExpiring),
    ],
    ids=["good", "failed", "a month left", "three days left", "short-lived and new", "short-lived and old"],
)
def test_a_reach(reach: Reach, want: R | None) -> None:
    assert judge_reach(reach, NOW) == want
