"""Plays the day through each gateway in turn; prints the tables, writes the page, its plot and build/incidents.json."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from hack.bench import machine
from hack.bench.incidents.baselines import BASELINES, DIRECT, POLICY, QUICK, Baseline
from hack.bench.incidents.caller import Ended, call_all
from hack.bench.incidents.figures import Figures, Seen, figures
from hack.bench.incidents.page import CALLERS_GOT, page, tables
from hack.bench.incidents.plot import plot
from hack.bench.incidents.providers import KEY, started
from hack.bench.incidents.traffic import Due, requests
from hack.bench.readme import README, with_table
from testing.gateways.gateway import Pool

PAGE = Path("docs/incidents.md")
QUICK_DAY_S = 12.0
WIDTH = 160


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-incidents", description=__doc__)
    parser.add_argument("--day-s", type=float, default=300.0, help="seconds that the day takes (default 300)")
    parser.add_argument("--rate", type=float, default=24.0, help="requests a second outside the surge (default 24)")
    parser.add_argument("--only", action="append", choices=[one.slug for one in BASELINES], help="may be repeated")
    parser.add_argument("--quick", action="store_true", help=f"less than a minute: {', '.join(QUICK)}; no page")
    parser.add_argument("--page", type=Path, help="write the table there, and the plot beside it")
    parser.add_argument("--json", type=Path, default=Path("build/incidents.json"))
    options = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True, width=WIDTH)
    facts = machine.facts()
    wanted = options.only or (QUICK if options.quick else [one.slug for one in BASELINES])
    day_s = QUICK_DAY_S if options.quick else options.day_s
    due = requests(day_s, options.rate)
    console.print(f"{len(due)} requests a gateway; a day takes {day_s:.0f} s")
    found: list[tuple[Figures, list[Ended]]] = []
    for baseline in BASELINES:
        if baseline.slug not in wanted:
            continue
        console.print(f"==> {baseline.title} {baseline.gateway.version()}")
        done = _run(baseline, due, day_s)
        if not done[0].answered_percent:
            raise SystemExit(
                f"{baseline.title}: nothing answered ({dict(done[0].problems)}), so its settings are wrong"
            )
        found.append(done)
        console.print(
            f"    {done[0].answered_percent:.2f} % answered; what went wrong: {dict(done[0].problems) or 'nothing'}"
        )
    for table in tables([one for one, _ in found]):
        console.print(table)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"facts": dict(facts), "rows": [asdict(one) for one, _ in found]}, indent=2))
    if options.page and not options.quick:
        options.page.write_text(page({**facts, **machine.facts_after()}, [one for one, _ in found], due, day_s))
        options.page.with_suffix(".svg").write_text(plot(found, day_s))
        if options.page == PAGE:
            README.write_text(with_table(README.read_text(), PAGE.read_text(), CALLERS_GOT, "incidents"))
    return 0


def _run(baseline: Baseline, due: Sequence[Due], day_s: float) -> tuple[Figures, list[Ended]]:
    with (
        tempfile.TemporaryDirectory(prefix=f"poolkeeper-incidents-{baseline.slug}-") as folder,
        started() as providers,
        baseline.gateway.start(Path(folder) / "gateway", Pool(providers.endpoints(), POLICY)) as gateway,
    ):
        with providers.playing(day_s) as began_s:
            ended = list(asyncio.run(call_all(gateway.base_url, KEY, due, gateway.headers)))
        seen = Seen(providers.seen(), providers.peaks(), began_s)
        title, version = baseline.title, baseline.gateway.version()
        return figures(title, version, ended, seen, day_s, fails_over=baseline.slug != DIRECT), ended


if __name__ == "__main__":
    sys.exit(main())
