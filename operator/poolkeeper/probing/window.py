"""From some runs of one endpoint to its probe status, which one slow request never changes.

A run is bad when any sample of it broke, or when most of them were slow, two at least (asking.py asks again where one
was). Bad runs are believed when the last two are, when two of the last three broke, or when three of the last five are
anything; what is sure needs one. So a blatant fault is found within two runs, and who is slow once in a hundred
requests is called slow once in ten million runs (docs/adr/0007-ghost-traffic.md). It is good again after one good run
if nothing could be had from it, else after two: what comes and goes should not come and go in the status.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from poolkeeper.api.reasons import ProbeReason
from poolkeeper.probing.reason_effects import MEANING, Proof, worst

LENGTH = 5
"""Runs that are looked at, and kept."""
FEWEST_SLOW = 2
"""Slow samples of a run that say anything: everybody is slow once."""

State = Literal["Healthy", "Grey", "Unhealthy"]


@dataclass(frozen=True)
class Run:
    """What one run found at one endpoint: reason (None: good) in bad of asked samples."""

    reason: ProbeReason | None = None
    bad: int = 0
    asked: int = 1

    @property
    def proof(self) -> Proof:
        return MEANING[self.reason].proof if self.reason else Proof.SILENT

    @property
    def is_dead(self) -> bool:
        return self.reason is not None and MEANING[self.reason].is_dead and self.bad >= self.asked


@dataclass(frozen=True)
class ProbeStatus:
    """weight_percent: what the endpoint should get of its weight; 0: nothing, as long as there is another."""

    state: State = "Healthy"
    reason: ProbeReason | None = None

    @property
    def weight_percent(self) -> int:
        if self.state == "Unhealthy" or self.reason is None:
            return 0 if self.state == "Unhealthy" else 100
        return MEANING[self.reason].weight_percent


def run_of(found: Sequence[ProbeReason | None]) -> Run | None:
    """One endpoint's samples of one run, in one; None when they say nothing about it."""
    telling = [reason for reason in found if reason is None or MEANING[reason].proof is not Proof.SILENT]
    if not telling:
        return None
    slow = [reason for reason in telling if reason and MEANING[reason].proof is Proof.SLOW]
    bad = [reason for reason in telling if reason and MEANING[reason].proof is not Proof.SLOW]
    if not bad and len(slow) >= FEWEST_SLOW and len(slow) * 2 > len(telling):
        bad = slow
    reason = worst(bad)
    return Run(reason, bad.count(reason), len(telling)) if reason else Run(asked=len(telling))


def probe_status_of(before: ProbeStatus, runs: Sequence[Run]) -> ProbeStatus:
    """runs: the newest first. before: what was said without the newest."""
    blamed = _blamed(runs[:LENGTH])
    if blamed:
        return ProbeStatus("Unhealthy" if blamed.is_dead else "Grey", blamed.reason)
    good = next((count for count, run in enumerate(runs) if run.reason), len(runs))
    wanted = {"Healthy": 0, "Unhealthy": 1, "Grey": 2}[before.state]
    return before if good < wanted else ProbeStatus()


def _blamed(runs: Sequence[Run]) -> Run | None:
    """The newest run, if its word is believed. After a good run nothing new is concluded."""
    if not runs or not runs[0].reason:
        return None
    newest = runs[0]
    is_believed = (
        newest.proof is Proof.SURE
        or _count(runs[:2], Proof.BROKEN, Proof.SLOW) == 2
        or _count(runs[:3], Proof.BROKEN) >= 2
        or _count(runs, Proof.BROKEN, Proof.SLOW) >= 3
    )
    return newest if is_believed else None


def _count(runs: Sequence[Run], *proofs: Proof) -> int:
    return sum(run.proof in proofs for run in runs)
