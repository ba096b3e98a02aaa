"""Runs the suite, prints the scorecard, writes the page. Exit 1 when Poolkeeper has any red."""

import argparse
import platform
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hack.bench import machine
from hack.bench.conformance.baselines import BASELINES, sampled
from hack.bench.conformance.page import CARD, Run, page
from hack.bench.conformance.scorecard import Score, card_of, red_lines, rows_of, score
from hack.bench.readme import README, with_table
from testing.conformance.case import Case, Mode
from testing.conformance.stage import Result
from testing.conformance.table import every_case
from testing.conformance.with_poolkeeper import PoolkeeperUnderTest
from testing.gateways.environments import CannotBeMadeError

OURS = PoolkeeperUnderTest.name
PAGE = Path("docs/conformance.md")
console = Console(highlight=False, soft_wrap=True)


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    cases = [case for case in every_case() if not options.case or any(part in case.name for part in options.case)]
    if not cases:
        console.print(f"no case is named like {' or '.join(options.case)}")
        return 2
    facts = {**machine.facts(), "Python": platform.python_version()}
    wanted = options.only or BASELINES
    runs = [run for name in BASELINES if name in wanted for run in _runs(name, cases, options.jobs)]
    if not runs:
        return 2
    _print(runs)
    if options.page:
        options.page.write_text(page(runs, facts))
        console.print(f"\nwritten: {options.page}")
    if options.page == PAGE:
        README.write_text(with_table(README.read_text(), PAGE.read_text(), CARD, "scorecard"))
        console.print(f"written: the card of {README.name}")
    return int(any(run.name == OURS and not score(run.results).is_green for run in runs))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.conformance", description=__doc__)
    parser.add_argument("--only", action="append", choices=BASELINES, help="one gateway; may be repeated")
    parser.add_argument("--case", action="append", default=[], metavar="PART", help="cases with this in their name")
    parser.add_argument("--jobs", type=int, default=2, help="cases side by side (default 2)")
    parser.add_argument("--page", type=Path, help=f"write the scorecard there; {PAGE}: and into the README")
    return parser


def _runs(name: str, cases: Sequence[Case], jobs: int) -> list[Run]:
    title, play, every = BASELINES[name]
    cases = sampled(cases, every)
    progress = _Progress(name, len(cases))
    began_s = time.monotonic()
    try:
        version, results = play(cases, jobs, progress.report)
    except CannotBeMadeError as reason:
        console.print(f"{title} is left out: {escape(str(reason))}")
        return []
    if title == OURS:
        version = machine.version()
    return [Run(title, version, _ordered(results, cases), time.monotonic() - began_s)]


def _ordered(results: Sequence[Result], cases: Sequence[Case]) -> list[Result]:
    place = {case.name: number for number, case in enumerate(cases)}
    return sorted(results, key=lambda result: place[result.case.name])


class _Progress:
    """A line now and then; cases side by side report at once."""

    EVERY_S = 10.0

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._done, self._red = name, total, 0, 0
        self._lock = threading.Lock()
        self._last_s = time.monotonic()

    def report(self, result: Result) -> None:
        with self._lock:
            self._done += 1
            self._red += bool(result.faults)
            if time.monotonic() - self._last_s > self.EVERY_S or self._done == self._total:
                self._last_s = time.monotonic()
                console.print(f"[dim]{self._name}: {self._done} of {self._total} cases, {self._red} red[/]")


# --- what people see


def _print(runs: Sequence[Run]) -> None:
    table = Table("class", "fault", title="Conformance")
    for run in runs:
        for mode in Mode:
            table.add_column(f"{run.name}\n{mode}", no_wrap=True)
    cards = [card_of(run.results) for run in runs]
    for row in rows_of(runs[0].results):
        cells = [_cell(card.get((row, mode))) for card in cards for mode in Mode]
        table.add_row(row.klass, escape(row.title), *cells)
    console.print(table)
    for run in runs:
        total = score(run.results)
        console.print(f"\n[bold]{run.name} {run.version}[/]: {_cell(total)} in {run.took_s:.0f} s")
        for name, faults in red_lines(run.results):
            console.print(f"  [red]{name}[/] {escape(faults)}")


def _cell(found: Score | None) -> str:
    if found is None:
        return ""
    return f"[{'green' if found.is_green else 'bold red'}]{found.green}/{found.total}[/]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
