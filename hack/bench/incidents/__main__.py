"""python -m hack.bench.incidents [--day-s 300] [--rate 24] [--row NAME]... [--page docs/incidents.md]"""

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
from hack.bench.incidents.caller import Ended, call_all
from hack.bench.incidents.cast import KEY, cast
from hack.bench.incidents.figures import Figures, Seen, figures
from hack.bench.incidents.page import CALLERS_GOT, page, plot, tables
from hack.bench.incidents.rows import DIRECT, ROWS, Row
from hack.bench.incidents.traffic import Due, requests
from hack.bench.readme import README, with_table

PAGE = Path("docs/incidents.md")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-incidents", description=__doc__)
    parser.add_argument("--day-s", type=float, default=300.0, help="seconds that the day takes (default 300)")
    parser.add_argument("--rate", type=float, default=24.0, help="requests a second outside the surge (default 24)")
    parser.add_argument(
        "--row", action="append", choices=[row.slug for row in ROWS], help="only this one; may be repeated"
    )
    parser.add_argument("--page", type=Path, help="write the table there, and the plot beside it")
    parser.add_argument("--json", type=Path, default=Path("build/incidents.json"))
    options = parser.parse_args()
    console = Console()
    facts = machine.facts()
    due = requests(options.day_s, options.rate)
    console.print(f"{len(due)} requests a gateway; a day takes {options.day_s:.0f} s")
    found: list[tuple[Figures, list[Ended]]] = []
    for row in ROWS:
        if options.row and row.slug not in options.row:
            continue
        console.print(f"==> {row.title}")
        done = _run(row, due, options.day_s)
        found.append(done)
        console.print(
            f"    {done[0].answered_percent:.2f} % answered; what went wrong: {dict(done[0].problems) or 'nothing'}"
        )
    for table in tables([one for one, _ in found]):
        console.print(table)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"facts": dict(facts), "rows": [asdict(one) for one, _ in found]}, indent=2))
    if options.page:
        options.page.write_text(page({**facts, **machine.facts_after()}, [one for one, _ in found], due, options.day_s))
        options.page.with_suffix(".svg").write_text(plot(found, options.day_s))
        if options.page == PAGE:
            README.write_text(with_table(README.read_text(), PAGE.read_text(), CALLERS_GOT, "incidents"))
    return 0


def _run(row: Row, due: Sequence[Due], day_s: float) -> tuple[Figures, list[Ended]]:
    with (
        tempfile.TemporaryDirectory(prefix=f"poolkeeper-incidents-{row.slug}-") as folder,
        cast() as providers,
        row.start(Path(folder) / "gateway", providers.upstreams()) as gateway,
    ):
        with providers.playing(day_s) as began_s:
            ended = list(asyncio.run(call_all(gateway.base_url, KEY, due)))
        seen = Seen(providers.seen(), providers.peaks(), began_s)
        return figures(row.title, gateway.version, ended, seen, day_s, fails_over=row.slug != DIRECT), ended


if __name__ == "__main__":
    sys.exit(main())
