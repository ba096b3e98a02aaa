"""What the dashboards are shown: scripted providers that fail in turn, two real routers (`poolkeeper run`) of one pool,
callers, and a Prometheus that scrapes the routers. And what providers and callers themselves counted."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import yaml

from hack.bench.incidents.baselines import POLICY, failover_policy
from hack.bench.incidents.caller import Ended, call_all
from hack.bench.incidents.day import BACKUP, OFFICIAL, PROVIDERS, SECOND, WEAKEST, Change, changes
from hack.bench.incidents.providers import KEY, Providers, started
from hack.bench.incidents.traffic import requests
from hack.dashboards import prometheus
from hack.dashboards.prometheus import Prometheus, Target
from testing.background import in_background
from testing.fakes.deepseek.log import Entry
from testing.gateways.gateway import Pool
from testing.gateways.poolkeeper import NAME, manifests
from testing.runs.running import Run

ROUTERS = 2
NAMESPACE = "default"
SCRAPE_S = 1.0
SETTLE_S = 3 * SCRAPE_S
FIRST_TOKEN_MS = 600
LAST_S = 10.0


@dataclass(frozen=True)
class Phase:
    """plays: by provider; the others answer well."""

    title: str
    seconds: float
    plays: Mapping[str, Mapping[str, object]]


def _is(scenario: str, **params: object) -> Mapping[str, object]:
    return {"scenario": scenario, "params": params}


FIRST_TIER, EVERYBODY = (OFFICIAL, SECOND, WEAKEST), (OFFICIAL, SECOND, WEAKEST, BACKUP)
SHORT = (
    Phase("all is well", 6, {}),
    Phase("the official API is busy (503), the second limits the rate (429)", 5, {
        OFFICIAL: _is("busy503"), SECOND: _is("rate_limit"),
    }),
    Phase("half of the weakest's answers are 500", 4, {
        WEAKEST: {"mix": [{**_is("error500"), "weight": 50}, {"scenario": "ok", "weight": 50}]},
    }),
    Phase("the first tier refuses connections", 7, dict.fromkeys(FIRST_TIER, _is("refuse", drop=True))),
    Phase("everybody answers 503", 5, dict.fromkeys(EVERYBODY, _is("busy503"))),
    Phase("all is well", 6, {}),
    Phase("the official API sends keep-alives only", 4, {OFFICIAL: _is("keepalive_forever")}),
    Phase("the official API cuts its streams", 5, {OFFICIAL: _is("cut", after_chunks=3)}),
    Phase("all is well", 5, {}),
    Phase("the official API is busy again, and stays so", 6, {OFFICIAL: _is("busy503")}),
)  # fmt: skip


@dataclass(frozen=True)
class Script:
    """changes: what a provider plays from when on."""

    seconds: float
    rate_per_s: float
    changes: Sequence[Change]
    phases: Sequence[tuple[float, Phase]] = ()
    """With the second in which each begins."""


def short() -> Script:
    found: list[Change] = []
    begins: list[tuple[float, Phase]] = []
    at_s = 0.0
    for phase in SHORT:
        begins.append((at_s, phase))
        found += [Change(at_s, name, phase.plays.get(name, _is("ok"))) for name in EVERYBODY]
        at_s += phase.seconds
    return Script(at_s, 16.0, found, begins)


def day(day_s: float = 300.0) -> Script:
    """That of docs/incidents.md. At its end the official API is busy again, so that "since when" has an answer."""
    return Script(day_s, 24.0, [*changes(day_s), Change(day_s - LAST_S, OFFICIAL, _is("busy503"))])


@dataclass(frozen=True)
class Story:
    """began_s, ended_s: seconds since the epoch, of the script; now_s: when Prometheus has seen all of it. asked: the
    requests that each provider got. ended: each request as its caller saw it."""

    script: Script
    prometheus: Prometheus
    began_s: float
    ended_s: float
    now_s: float
    asked: Mapping[str, Sequence[Entry]]
    ended: Sequence[Ended]

    @property
    def range_s(self) -> int:
        """Of a dashboard that shows all of it."""
        return int(self.now_s - self.began_s) + 1


@contextmanager
def played(script: Script, folder: Path) -> Iterator[Story]:
    """Plays the script, then gives the story, while its Prometheus still runs."""
    with ExitStack() as stack:
        providers = stack.enter_context(started())
        file = folder / "pool.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump_all(_manifests(providers), sort_keys=False))
        runs = [stack.enter_context(Run(folder / f"run{number}", "-f", file)) for number in range(ROUTERS)]
        targets = [
            Target(
                run.admin_url.removeprefix("http://"), {"namespace": NAMESPACE, "pool": NAME, "pod": f"router-{one}"}
            )
            for one, run in enumerate(runs)
        ]
        scraper = stack.enter_context(prometheus.started(folder / "prometheus", targets, SCRAPE_S))
        time.sleep(SETTLE_S)
        began_s = time.time()
        with _playing(script, providers):
            ended = asyncio.run(_call([run.base_url for run in runs], script))
        ended_s = time.time()
        time.sleep(SETTLE_S)
        yield Story(script, scraper, began_s, ended_s, time.time(), providers.seen(), ended)


def _manifests(providers: Providers) -> list[Mapping[str, object]]:
    endpoints = [
        replace(one, max_connections=max(1, (one.max_connections or ROUTERS) // ROUTERS))
        for one in providers.endpoints()
    ]
    policy = failover_policy(replace(POLICY, first_token_ms=FIRST_TOKEN_MS))
    objects = manifests(Pool(endpoints, POLICY), policy)
    prices = {one.name: one for one in PROVIDERS}
    spec = objects[0]["spec"]
    assert isinstance(spec, dict)
    for endpoint in spec["endpoints"]:
        price = prices[endpoint["name"]]
        endpoint["pricing"] = {
            "currency": "USD",
            "inputPerMillion": f"{price.input_price:.2f}",
            "outputPerMillion": f"{price.output_price:.2f}",
        }
    return objects


@contextmanager
def _playing(script: Script, providers: Providers) -> Iterator[None]:
    over, began_s = Event(), time.monotonic()

    def play() -> None:
        for change in script.changes:
            if over.wait(max(0.0, began_s + change.at_s - time.monotonic())):
                return
            providers.play(change.who, change.play)

    with in_background(play, over):
        yield


async def _call(addresses: Sequence[str], script: Script) -> Sequence[Ended]:
    """Each router gets its share, in turn."""
    due = requests(script.seconds, script.rate_per_s)
    shares = [call_all(url, KEY, due[number :: len(addresses)]) for number, url in enumerate(addresses)]
    return [one for share in await asyncio.gather(*shares) for one in share]
