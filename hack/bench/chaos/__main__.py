"""`make chaos`: plays a history with every fault at every number, then an outage under load; exit 1 if anything is
left that is not left without faults. --minutes bounds it; the cases come in an order that mixes all kinds of faults."""

import argparse
import random
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.bench import machine
from hack.bench.chaos.handover import handover
from hack.bench.chaos.outage import outage
from hack.bench.chaos.page import Report, page
from hack.bench.chaos.record import Record
from testing.chaos import history
from testing.chaos.api_world import every_step, walks
from testing.chaos.cases import Case, everything
from testing.chaos.control_plane import ControlPlane, missing
from testing.chaos.fleet import Fleet
from testing.chaos.history import Outcome

ORDER = 20261129
Played = tuple[Case, Outcome]


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    why = missing()
    if why:
        print(f"make chaos needs a control plane: {why}", file=sys.stderr)
        return 2
    facts = machine.facts()
    with TemporaryDirectory(prefix="poolkeeper-chaos-") as made, ThreadPoolExecutor() as beside:
        folder = options.logs or Path(made)
        out = beside.submit(outage, folder / "outage", options.outage_s) if options.outage_s else None
        steps = every_step(options.seed)[: options.moves]
        walked = beside.submit(walks, folder / "walks", steps) if steps else None
        with ControlPlane.start(folder / "plane") as plane:
            with Fleet(plane.url, plane.token):
                without, played, of = play(plane, folder, options, facts["version"])
            handed = handover(plane, folder, options.handovers)
        report = Report(
            {**facts, **machine.facts_after()},
            without,
            played,
            of,
            handed,
            out.result() if out else None,
            walked.result() if walked else (),
        )
    text = page(report)
    print(text)
    if options.page:
        options.page.write_text(text)
    return 1 if report.is_wrong else 0


def play(
    plane: ControlPlane, folder: Path, options: argparse.Namespace, version: str
) -> tuple[Outcome, list[Played], int]:
    """The run without faults, what was played of the others by now, and how many there are."""
    until_s, record = time.monotonic() + 60 * options.minutes, Record(options.record)
    without = history.run(plane, folder, "without-faults", rest_s=5.0)
    print(f"without faults: {without.writes} writes, {without.events} events", file=sys.stderr, flush=True)
    cases = list(everything(without.writes, without.events))
    random.Random(ORDER).shuffle(cases)
    known = record.known()
    played: list[Played] = [(case, known[case.name]) for case in cases if case.name in known]

    def one(case: Case) -> Played | None:
        if time.monotonic() > until_s:
            return None
        outcome = history.run(plane, folder, case.namespace, case.faults, without)
        return case, replace(outcome, version=version)

    with ThreadPoolExecutor(options.at_once) as pool:
        left = [case for case in cases if case.name not in known or known[case.name].wrong]
        running: Iterable[Future[Played | None]] = [pool.submit(one, case) for case in left]
        for future in as_completed(running):
            result = future.result()
            if result:
                played = [(case, outcome) for case, outcome in played if case != result[0]] + [result]
                record.add(*result)
                words = "; ".join(result[1].wrong) or f"as without, {result[1].lives} lives, {result[1].seconds:.0f} s"
                print(f"  {len(played)}/{len(cases)} {result[0].name}: {words}", file=sys.stderr, flush=True)
    return without, played, len(cases)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=90, help="no new case begins after so long")
    parser.add_argument("--at-once", type=int, default=3, help="histories at the same time")
    parser.add_argument("--outage-s", type=float, default=300, help="without control plane; 0: leave it out")
    parser.add_argument("--handovers", type=int, default=3, help="of each sort")
    parser.add_argument("--record", type=Path, help="what was played, by earlier runs too: they are not played again")
    parser.add_argument("--moves", type=int, default=400, help="of a walk through the specs, out of some two thousand")
    parser.add_argument("--seed", type=int, default=ORDER, help="of these moves")
    parser.add_argument("--logs", type=Path, help="keep the logs of all processes in this folder")
    parser.add_argument("--page", type=Path, help="write the page here")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
