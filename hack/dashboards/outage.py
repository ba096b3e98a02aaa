"""An outage in real time, seen through all that the person on call has: who says what, after how many seconds.

A pool of two providers on a real Kubernetes with the default policy, four requests a second, a Prometheus with the
rules of docs/alerts. All that can be looked at is asked again and again: when are its words first the right ones?
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx

from hack.dashboards.lookers import ALERTS, Looker, Said, lookers_of, status_screen
from hack.dashboards.outage_bed import BACKUP, OFFICIAL, scene
from testing import plain_http
from testing.background import in_background
from testing.cluster_bed import wait_until
from testing.runs.running import question

LOOK_S = 1.0
ASK_S = 0.25
ANSWER_LIMIT_S = 60.0


@dataclass(frozen=True)
class Phase:
    """plays: a scenario by provider. wanted: by who looks, what it must say at last, as a pattern."""

    title: str
    seconds: float
    plays: Mapping[str, str]
    wanted: Mapping[str, str]


@dataclass(frozen=True)
class Heard:
    """after_s: when its words were first right; None: never. stays_s: from when on they stayed so until the end of the
    phase; None: they did not. words: the first ones that were right."""

    phase: Phase
    who: str
    after_s: float | None
    stays_s: float | None
    words: str


IDLE_BACKUP = r"^tier 0; (every endpoint gets requests|no requests: backup \(breaker\))$"
"""A router that has no reason to ask the backup keeps it half-open, and the panel counts that: so it says."""
PHASES = (
    Phase("all is well", 30, {}, {}),
    Phase(
        "the official API answers 503 to everything; the backup, tier 1, serves",
        450,
        {OFFICIAL: "busy503"},
        {
            "a caller": "200 from backup",
            "kubectl get epool": "Tier 1, Failover True",
            "kubectl describe epool": "Tier 1 serves",
            "Events": "^Failover ",
            "poolkeeper status -w": r"tier 1 \(backup\) serves",
            "the page": "^Look",
            "dashboard Health": "tier 1",
        },
    ),
    Phase(
        "the backup answers 503, too: nobody gets an answer",
        170,
        {OFFICIAL: "busy503", BACKUP: "busy503"},
        {
            "a caller": "^503",
            "kubectl get epool": "Available False",
            "kubectl describe epool": "Available=False",
            "Events": "^(ServingDegraded|Unavailable|NoEndpointsAvailable)",
            "poolkeeper status -w": "Available=False",
            "the page": "^Down",
            "dashboard Health": "no tier",
        },
    ),
    Phase(
        "both answer again",
        320,
        {},
        {
            "a caller": "200 from official",
            "kubectl get epool": "Available True, .*Tier 0, Failover False",
            "kubectl describe epool": "^every condition is good",
            "Events": "^Failback",
            "poolkeeper status -w": "^all is well",
            "the page": "^Well",
            "dashboard Health": IDLE_BACKUP,
        },
    ),
)


def played(phases: Sequence[Phase], folder: Path) -> Sequence[Heard]:
    """Plays the phases and listens."""
    with ExitStack() as stack:
        place = stack.enter_context(scene(folder))
        asked = stack.enter_context(_asking(place.router))
        screen = stack.enter_context(status_screen(place.bed))
        lookers = lookers_of(place, asked, screen)
        stack.enter_context(_looking(lookers))
        heard: list[Heard] = []
        for phase in phases:
            began_s = time.monotonic()
            for name in (OFFICIAL, BACKUP):
                place.bed.play(name, phase.plays.get(name, "ok"))
            time.sleep(phase.seconds)
            heard += [heard_of(phase, looker, began_s) for looker in lookers if looker.name in phase.wanted]
            heard += alerts_of(phase, lookers[-1], began_s)
        return heard


def heard_of(phase: Phase, looker: Looker, began_s: float) -> Heard:
    said = [one for one in looker.said if one.at_s >= began_s]
    right = [one for one in said if re.search(phase.wanted[looker.name], one.words)]
    if not right:
        return Heard(phase, looker.name, None, None, looker.said[-1].words)
    wrong_at = max((number for number, one in enumerate(said) if one not in right), default=-1)
    stays_s = said[wrong_at + 1].at_s - began_s if wrong_at + 1 < len(said) else None
    return Heard(phase, looker.name, right[0].at_s - began_s, stays_s, right[0].words)


def alerts_of(phase: Phase, looker: Looker, began_s: float) -> Iterator[Heard]:
    """Each that began to fire, and each that ended, in the phase."""
    before = _names([said for said in looker.said if said.at_s < began_s][-1:])
    for said in looker.said:
        if said.at_s < began_s:
            continue
        now = _names([said])
        for name in sorted(now - before):
            yield Heard(phase, ALERTS, said.at_s - began_s, None, f"{name} fires")
        for name in sorted(before - now):
            yield Heard(phase, ALERTS, said.at_s - began_s, None, f"{name} ends")
        before = now
    for name in sorted(before) if not phase.plays else ():
        yield Heard(phase, ALERTS, None, None, f"{name} still fires")


def _names(said: Sequence[Said]) -> set[str]:
    return {name for one in said for name in one.words.split(", ") if name}


@contextmanager
def _asking(router: str) -> Iterator[Sequence[str]]:
    """What callers get, one after the other, four a second."""
    got: list[str] = []
    over = Event()

    def ask() -> None:
        while not over.wait(ASK_S):
            got.append(_answered(f"http://{router}/v1/chat/completions", len(got)))

    with in_background(ask, over):
        wait_until("an answer", lambda: got or None)
        yield got


def _answered(url: str, number: int) -> str:
    try:
        return _answer(plain_http.post(url, json=question(f"Question {number}"), timeout=ANSWER_LIMIT_S))
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"


def _answer(found: httpx.Response) -> str:
    if not found.is_success:
        return f"{found.status_code} {found.json()['error'].get('code')}"
    endpoint, attempts = (found.headers.get(f"x-poolkeeper-{name}") for name in ("endpoint", "attempts"))
    return f"{found.status_code} from {endpoint}, attempts {attempts}"


@contextmanager
def _looking(lookers: Sequence[Looker]) -> Iterator[None]:
    """One after the other, so that this machine's programs do not hold up each other."""
    over = Event()

    def follow() -> None:
        while not over.wait(LOOK_S):
            for looker in lookers:
                looker.once(time.monotonic())

    with in_background(follow, over):
        yield
