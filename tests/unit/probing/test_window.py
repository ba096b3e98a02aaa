"""When findings are believed."""

import pytest

from poolkeeper.api.reasons import ProbeReason as R
from poolkeeper.probing.reason_effects import MEANING, Proof
from poolkeeper.probing.window import LENGTH, ProbeStatus, Run, probe_status_of, run_of

OK = Run()
HEALTHY = ProbeStatus()


def bad(reason: R, count: int = 1, asked: int = 1) -> Run:
    return Run(reason, count, asked)


SLOW, KEEP_ALIVE = bad(R.SlowFirstToken), bad(R.KeepAliveOnly)
CUT = bad(R.TruncatedStream, 1, 3)
DEAD, GREY = ProbeStatus("Unhealthy", R.KeepAliveOnly), ProbeStatus("Grey", R.SlowFirstToken)


def played(*oldest_first: Run) -> list[ProbeStatus]:
    """The probe status after each run."""
    statuses: list[ProbeStatus] = []
    runs: list[Run] = []
    status = HEALTHY
    for run in oldest_first:
        runs = [run, *runs][:LENGTH]
        status = probe_status_of(status, runs)
        statuses.append(status)
    return statuses


CASES: dict[str, tuple[list[Run], ProbeStatus]] = {
    "nothing is known": ([], HEALTHY),
    "one slow run": ([OK, OK, SLOW], HEALTHY),
    "one broken run": ([OK, OK, KEEP_ALIVE], HEALTHY),
    "two slow runs": ([SLOW, SLOW], GREY),
    "two slow runs with a good one between": ([SLOW, OK, SLOW], HEALTHY),
    "three slow of five": ([SLOW, OK, SLOW, OK, SLOW], GREY),
    "two dead runs": ([KEEP_ALIVE, KEEP_ALIVE], DEAD),
    "one in three streams is cut, twice": ([CUT, CUT], ProbeStatus("Grey", R.TruncatedStream)),
    "two cut of three": ([CUT, OK, CUT], ProbeStatus("Grey", R.TruncatedStream)),
    "half of the answers are empty": ([bad(R.EmptyAnswer, 1, 2)] * 2, ProbeStatus("Grey", R.EmptyAnswer)),
    "slow and then dead": ([SLOW, KEEP_ALIVE], DEAD),
    "a refused key, at once": ([OK, bad(R.CredentialsRejected)], ProbeStatus("Unhealthy", R.CredentialsRejected)),
    "an ending certificate, at once": ([bad(R.CertificateExpiring)], ProbeStatus("Grey", R.CertificateExpiring)),
    "an ending certificate lends a slow run no weight": (
        [bad(R.CertificateExpiring), SLOW],
        ProbeStatus("Grey", R.CertificateExpiring),
    ),
    "dead, and back after one good run": ([KEEP_ALIVE, KEEP_ALIVE, OK], HEALTHY),
    "slow, and one good run": ([SLOW, SLOW, OK], GREY),
    "slow, and back after two good runs": ([SLOW, SLOW, OK, OK], HEALTHY),
    "slow, good, slow": ([SLOW, SLOW, OK, SLOW], GREY),
}


@pytest.mark.parametrize("name", CASES)
def test_probe_status(name: str) -> None:
    runs, want = CASES[name]

    assert (played(*runs) or [HEALTHY])[-1] == want


@pytest.mark.parametrize(
    ("found", "want"),
    [
        ([None], Run(asked=1)),
        ([None, R.TruncatedStream, None], Run(R.TruncatedStream, 1, 3)),
        ([R.SlowFirstToken, None, None], Run(asked=3)),
        ([R.SlowFirstToken, R.SlowFirstToken, None], Run(R.SlowFirstToken, 2, 3)),
        ([R.SlowFirstToken, R.SlowFirstToken], Run(R.SlowFirstToken, 2, 2)),
        ([R.SlowFirstToken], Run(asked=1)),
        ([R.SlowFirstToken, R.RateLimited], Run(asked=1)),
        ([R.SlowFirstToken, R.SlowFirstToken, None, None], Run(asked=4)),
        ([R.SlowFirstToken, R.KeepAliveOnly], Run(R.KeepAliveOnly, 1, 2)),
        ([R.RateLimited, None], Run(asked=1)),
        ([R.RateLimited], None),
        ([], None),
    ],
    ids=["good", "one broken", "one slow of three", "two slow of three", "two slow of two",
         "one slow alone", "one slow alone, and a 429", "two slow of four", "the worst speaks", "429 does not count",
         "only 429", "not asked"],
)  # fmt: skip
def test_one_run(found: list[R | None], want: Run | None) -> None:
    assert run_of(found) == want


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANING) == set(R), "wanted a row of MEANING (probing/reason_effects.py) for each ProbeReason"


@pytest.mark.parametrize("reason", [reason for reason, meaning in MEANING.items() if meaning.proof is not Proof.SILENT])
def test_every_blatant_fault_is_found_within_two_runs(reason: R) -> None:
    status = played(OK, OK, OK, bad(reason), bad(reason))[-1]

    assert (status.state != "Healthy", status.reason) == (True, reason)
    assert status.weight_percent == (0 if MEANING[reason].is_dead else MEANING[reason].weight_percent)
