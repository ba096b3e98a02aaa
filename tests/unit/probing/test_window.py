"""When findings are believed."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolkeeper.api.reasons import ProbeReason as R
from poolkeeper.probing.judging import Asked, judge_exchange
from poolkeeper.probing.meaning import MEANING, Proof
from poolkeeper.probing.phases import Ending, Exchange, Usage
from poolkeeper.probing.window import LENGTH, Run, Verdict, run_of, verdict_of

OK = Run()
HEALTHY = Verdict()


def bad(reason: R, count: int = 1, asked: int = 1) -> Run:
    return Run(reason, count, asked)


SLOW, KEEP_ALIVE = bad(R.SlowFirstToken), bad(R.KeepAliveOnly)
CUT = bad(R.TruncatedStream, 1, 3)
DEAD, GREY = Verdict("Unhealthy", R.KeepAliveOnly), Verdict("Grey", R.SlowFirstToken)


def played(*oldest_first: Run) -> list[Verdict]:
    """The verdict after each run."""
    verdicts: list[Verdict] = []
    runs: list[Run] = []
    verdict = HEALTHY
    for run in oldest_first:
        runs = [run, *runs][:LENGTH]
        verdict = verdict_of(verdict, runs)
        verdicts.append(verdict)
    return verdicts


CASES: dict[str, tuple[list[Run], Verdict]] = {
    "nothing is known": ([], HEALTHY),
    "one slow run": ([OK, OK, SLOW], HEALTHY),
    "one broken run": ([OK, OK, KEEP_ALIVE], HEALTHY),
    "two slow runs": ([SLOW, SLOW], GREY),
    "two slow runs with a good one between": ([SLOW, OK, SLOW], HEALTHY),
    "three slow of five": ([SLOW, OK, SLOW, OK, SLOW], GREY),
    "two dead runs": ([KEEP_ALIVE, KEEP_ALIVE], DEAD),
    "one in three streams is cut, twice": ([CUT, CUT], Verdict("Grey", R.TruncatedStream)),
    "two cut of three": ([CUT, OK, CUT], Verdict("Grey", R.TruncatedStream)),
    "half of the answers are empty": ([bad(R.EmptyAnswer, 1, 2)] * 2, Verdict("Grey", R.EmptyAnswer)),
    "slow and then dead": ([SLOW, KEEP_ALIVE], DEAD),
    "a refused key, at once": ([OK, bad(R.CredentialsRejected)], Verdict("Unhealthy", R.CredentialsRejected)),
    "an ending certificate, at once": ([bad(R.CertificateExpiring)], Verdict("Grey", R.CertificateExpiring)),
    "an ending certificate lends a slow run no weight": (
        [bad(R.CertificateExpiring), SLOW],
        Verdict("Grey", R.CertificateExpiring),
    ),
    "dead, and back after one good run": ([KEEP_ALIVE, KEEP_ALIVE, OK], HEALTHY),
    "slow, and one good run": ([SLOW, SLOW, OK], GREY),
    "slow, and back after two good runs": ([SLOW, SLOW, OK, OK], HEALTHY),
    "slow, good, slow": ([SLOW, SLOW, OK, SLOW], GREY),
}


@pytest.mark.parametrize("name", CASES)
def test_verdict(name: str) -> None:
    runs, want = CASES[name]

    assert (played(*runs) or [HEALTHY])[-1] == want


@pytest.mark.parametrize(
    ("found", "want"),
    [
        ([None], Run(asked=1)),
        ([None, R.TruncatedStream, None], Run(R.TruncatedStream, 1, 3)),
        ([R.SlowFirstToken, None, None], Run(asked=3)),
        ([R.SlowFirstToken, R.SlowFirstToken, None], Run(R.SlowFirstToken, 2, 3)),
        ([R.SlowFirstToken, R.KeepAliveOnly], Run(R.KeepAliveOnly, 1, 2)),
        ([R.RateLimited, None], Run(asked=1)),
        ([R.RateLimited], None),
        ([], None),
    ],
    ids=["good", "one broken", "one slow of three", "two slow of three", "the worst speaks", "429 does not count",
         "only 429", "not asked"],
)  # fmt: skip
def test_one_run(found: list[R | None], want: Run | None) -> None:
    assert run_of(found) == want


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANING) == set(R)


@pytest.mark.parametrize("reason", [reason for reason in R if MEANING[reason].proof is not Proof.SILENT])
def test_every_blatant_fault_is_found_within_two_runs(reason: R) -> None:
    verdict = played(OK, OK, OK, bad(reason), bad(reason))[-1]

    assert (verdict.state != "Healthy", verdict.reason) == (True, reason)
    assert verdict.weight_percent == (0 if MEANING[reason].is_dead else MEANING[reason].weight_percent)


SIGMA = math.log(3) / 2.326
"""Of a log-normal distribution whose 99th percentile is three times its median."""
ASKED = Asked("OpenAI", "m", first_token_ms=5000, min_tokens_per_second=5)


def _answer(first_ms: float, rate: float) -> Exchange:
    last_ms = first_ms + 63 / rate * 1000
    return Exchange(
        200, None, 10, 10, first_ms, last_ms, last_ms, Ending.COMPLETE, 64, True, False, "stop", "m", Usage(9, 64)
    )


@settings(max_examples=60, deadline=None)
@given(median_ms=st.floats(30, 900), rate=st.floats(20, 150), a_run=st.integers(1, 3), seed=st.integers(0, 2**32))
def test_a_healthy_endpoint_with_jitter_is_never_called_otherwise(
    median_ms: float, rate: float, a_run: int, seed: int
) -> None:
    dice = random.Random(seed)

    def run() -> Run:
        answers = (
            _answer(median_ms * dice.lognormvariate(0, SIGMA), rate * dice.lognormvariate(0, 0.2)) for _ in range(a_run)
        )
        return run_of([judge_exchange(answer, ASKED) for answer in answers]) or OK

    assert set(played(*(run() for _ in range(500)))) == {HEALTHY}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), after=st.integers(0, 20))
def test_fifteen_times_slower_is_found_within_two_runs(seed: int, after: int) -> None:
    dice = random.Random(seed)
    median_ms = 15 * 800.0
    slow = [run_of([judge_exchange(_answer(median_ms * dice.lognormvariate(0, 0.2), 50), ASKED)]) for _ in range(2)]

    assert played(*[OK] * after, *(run for run in slow if run))[-1].reason is R.SlowFirstToken
