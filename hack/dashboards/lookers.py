"""What the person on call can look at, each as one line of words: the resource, its conditions, Events, status, the
page, a dashboard, alerts. All of a real cluster, by the programs that this person has."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

from hack.dashboards.outage_bed import NAMESPACE, POOL, Scene
from hack.dashboards.prometheus import Prometheus
from hack.dashboards.table.shared import SERVING_TIER, SINCE_WHEN
from poolkeeper.dashboard.view_model import Document
from testing import plain_http
from testing.background import in_background
from testing.cluster_bed import Bed, Json

ALERTS = "alerts"
CONDITIONS = (("Available", "False"), ("FailoverActive", "True"), ("Degraded", "True"))
"""Each with its bad status; the worst first."""
VARIABLES = {"namespace": NAMESPACE, "pool": POOL}


@dataclass(frozen=True)
class Said:
    at_s: float
    words: str


@dataclass
class Looker:
    """said: its words, each time that they changed."""

    name: str
    look: Callable[[], str]
    said: list[Said] = field(default_factory=list)

    def once(self, now_s: float) -> None:
        for words in self.look().splitlines() or [""]:
            if words != (self.said[-1].words if self.said else None) and (words or self.name == ALERTS):
                self.said.append(Said(now_s, words))


def lookers_of(scene: Scene, asked: Sequence[str], status_screen: Sequence[str]) -> Sequence[Looker]:
    bed, scraper = scene.bed, scene.scraper
    return (
        Looker("a caller", lambda: asked[-1] if asked else ""),
        Looker("kubectl get epool", lambda: columns(_kubectl(bed, "get", "epool", POOL))),
        Looker("kubectl describe epool", lambda: troubles(_kubectl(bed, "describe", "epool", POOL))),
        Looker("Events", _events(bed)),
        Looker("poolkeeper status -w", lambda: headline(status_screen)),
        Looker("the page", lambda: _shown(plain_http.get(f"http://{scene.page}/pools.json", timeout=10).text)),
        Looker("dashboard Health", lambda: _dashboard(scraper)),
        Looker(ALERTS, lambda: ", ".join(sorted({one["alertname"] for one in scraper.firing()}))),
    )


def _kubectl(bed: Bed, *words: str) -> str:
    return bed.kubectl("-n", bed.namespace, *words).stdout


def columns(table: str) -> str:
    """What `kubectl get epool` prints, without the pool's name and age. A column may be empty."""
    head, line = table.splitlines()[:2]
    starts = [(found.start(), found[0]) for found in re.finditer(r"\S+", head)]
    ends = [start for start, _ in starts[1:]] + [None]
    cells = {name: line[start:end].strip() for (start, name), end in zip(starts, ends, strict=True)}
    wanted = ("AVAILABLE", "HEALTHY", "TIER", "FAILOVER", "STATE")
    return ", ".join(f"{name.capitalize()} {cells[name]}" for name in wanted)


def troubles(described: str) -> str:
    """Of the conditions that `kubectl describe epool` prints, the worst that is not as it should be."""
    block = r"Message: +(?P<message>.*)\n(?:.*\n)*? +Status: +(?P<status>\w+)\n +Type: +(?P<type>\w+)$"
    known = {found["type"]: found for found in re.finditer(block, described, re.MULTILINE)}
    for kind, bad in CONDITIONS:
        if known[kind]["status"] == bad:
            return f"{kind}={bad}: {known[kind]['message']}"
    return "every condition is good"


def headline(screen: Sequence[str]) -> str:
    """The line above the endpoints, and the first condition that is not as it should be, of the youngest page."""
    lines = list(screen)
    at = max((number for number, line in enumerate(lines) if line.startswith("ENDPOINT ")), default=None)
    if at is None:
        return ""
    above = next((line for line in reversed(lines[:at]) if line.strip()), "")
    marked = [re.sub(r" for \d.*?(?=:|$)", "", line[2:]) for line in lines[at:] if line.startswith("! ")]
    return " / ".join([above, *marked[:1]])


@contextmanager
def status_screen(bed: Bed) -> Iterator[Sequence[str]]:
    """The lines of `poolkeeper status -w`, which prints a new page after each change where there is no terminal."""
    command = [sys.executable, "-m", "poolkeeper", "status", POOL, "-n", bed.namespace, "-w"]
    command += ["--kubeconfig", bed.kubectl.env["KUBECONFIG"]]
    lines: list[str] = []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(bed.kubectl.env))

    def read() -> None:
        assert process.stdout is not None
        lines.extend(line.rstrip() for line in process.stdout)

    with in_background(read, Event()):
        try:
            yield lines
        finally:
            process.terminate()
            process.wait(timeout=10)


def _events(bed: Bed) -> Callable[[], str]:
    """Those that are new, or happened once more, since the last look."""
    known: dict[str, int] = {}

    def look() -> str:
        fresh = []
        for event in _list(bed):
            times = event.get("series", {}).get("count") or event.get("count") or 1
            if known.get(event["metadata"]["uid"]) != times:
                known[event["metadata"]["uid"]] = times
                fresh.append(f"{event['reason']} {event['message']}")
        return "\n".join(fresh)

    return look


def _list(bed: Bed) -> Sequence[Json]:
    wanted = f"involvedObject.kind=EndpointPool,involvedObject.name={POOL}"
    found: Sequence[Json] = json.loads(_kubectl(bed, "get", "events", "--field-selector", wanted, "-o", "json"))[
        "items"
    ]
    return found


def _shown(text: str) -> str:
    found = Document.model_validate(json.loads(text)).pools[0]
    trouble = f": {found.troubles[0].message}" if found.troubles else ""
    return f"{found.level}{trouble}"


def _dashboard(scraper: Prometheus) -> str:
    """By the queries of the dashboard's own panels."""
    now_s = time.time()
    tiers = scraper.now(SERVING_TIER.queries[0].filled(VARIABLES), now_s)
    tier = max((one.last for one in tiers), default=-1)
    out = scraper.now(SINCE_WHEN.queries[0].filled(VARIABLES), now_s)
    causes = sorted({f"{one.labels['endpoint']} ({one.labels['cause']})" for one in out})
    requests = f"no requests: {', '.join(causes)}" if causes else "every endpoint gets requests"
    return f"{f'tier {tier:.0f}' if tier >= 0 else 'no tier'}; {requests}"
