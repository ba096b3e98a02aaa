"""What the person on call can look at, each as one line of words: the resource, its conditions, Events, status, the
page, a dashboard, alerts."""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hack.dashboards.prometheus import Prometheus
from poolkeeper.dashboard.view_model import Document
from testing import plain_http
from testing.runs.running import Run

ALERTS = "alerts"


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


def lookers_of(run: Run, scraper: Prometheus, page: str, asked: Sequence[str]) -> Sequence[Looker]:
    def status() -> dict[str, object]:
        found: dict[str, object] = json.loads(run.command("status", "-o", "json"))["items"][0]["status"]
        return found

    return (
        Looker("a caller", lambda: asked[-1] if asked else ""),
        Looker("kubectl get epool", lambda: _columns(status())),
        Looker("kubectl describe epool", lambda: _troubles(status())),
        Looker("Events", _events(run)),
        Looker("poolkeeper status", lambda: _headline(run.command("status"))),
        Looker("the page", lambda: _shown(plain_http.get(f"{page}/pools.json", timeout=10).text)),
        Looker("dashboard Health", lambda: _dashboard(scraper)),
        Looker(ALERTS, lambda: ", ".join(sorted({one["alertname"] for one in scraper.firing()}))),
    )


def _columns(status: dict[str, object]) -> str:
    """As `kubectl get epool` prints this status."""
    known = _conditions(status)
    tier = status.get("activeTier")
    return (
        f"Available {known['Available']['status']}, Healthy {status.get('summary')}, "
        f"Tier {'' if tier is None else tier}, Failover {known['FailoverActive']['status']}"
    )


def _troubles(status: dict[str, object]) -> str:
    """Conditions that are not as they should be, the worst first."""
    known = _conditions(status)
    wrong = [("Available", "False"), ("FailoverActive", "True"), ("Degraded", "True")]
    found = [f"{kind}={bad}: {known[kind]['message']}" for kind, bad in wrong if known[kind]["status"] == bad]
    return found[0] if found else "every condition is good"


def _conditions(status: dict[str, object]) -> dict[str, dict[str, str]]:
    conditions = status["conditions"]
    assert isinstance(conditions, list)
    return {one["type"]: one for one in conditions}


def _events(run: Run) -> Callable[[], str]:
    """Those that the run printed since the last look; in a cluster the same words are Events."""
    known = 0

    def look() -> str:
        nonlocal known
        lines = re.findall(r"^\d\d:\d\d:\d\d  (\w+) +(.*)$", run.output, re.MULTILINE)
        fresh, known = lines[known:], len(lines)
        return "\n".join(" ".join(line) for line in fresh)

    return look


def _headline(text: str) -> str:
    """The line above the endpoints, and the first condition that is not as it should be."""
    above, _, below = text.partition("\nENDPOINT ")
    marked = [re.sub(r" for \d.*?(?=:|$)", "", line[2:]) for line in below.splitlines() if line.startswith("! ")]
    return " / ".join([above.splitlines()[-1], *marked[:1]])


def _shown(text: str) -> str:
    found = Document.model_validate(json.loads(text)).pools[0]
    trouble = f": {found.troubles[0].message}" if found.troubles else ""
    return f"{found.level}{trouble}"


def _dashboard(scraper: Prometheus) -> str:
    now_s = time.time()
    tiers = scraper.now("max(poolkeeper_active_tier)", now_s)
    tier = tiers[0].last if tiers else -1
    out = scraper.now("max by (endpoint, cause) (poolkeeper_endpoint_unavailable_since_seconds) > 0", now_s)
    causes = sorted(f"{one.labels['endpoint']} ({one.labels['cause']})" for one in out)
    requests = f"no requests: {', '.join(causes)}" if causes else "every endpoint gets requests"
    return f"{f'tier {tier:.0f}' if tier >= 0 else 'no tier'}; {requests}"
