"""Plays everything in one run; prints the tables, writes the page and build/bench.json. Exit 1 if a floor is broken."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.markdown import Markdown

from hack.bench.machine import facts, facts_after
from hack.bench.readme import README, with_table
from hack.bench.speed.baselines import BARE, DIRECT, ENVOY, EVERY, GATEWAYS, LITELLM, OURS, RELAY, cores, started
from hack.bench.speed.beside import BESIDE
from hack.bench.speed.cases import CASES, STREAM, TINY, Case
from hack.bench.speed.chart import chart
from hack.bench.speed.first_content import first_content_us
from hack.bench.speed.frontier import frontier
from hack.bench.speed.idle_streams import idle, possible
from hack.bench.speed.load import Load, pace, saturate, warm_up
from hack.bench.speed.measured import Measured
from hack.bench.speed.page import page, tables
from hack.bench.speed.profile import profile
from hack.bench.speed.rounds import Played, Run, goals
from hack.bench.speed.seeing import seeing
from hack.bench.speed.workers import workers
from testing.gateways.environments import CannotBeMadeError

SLOW_ROUNDS, SLOW_SECONDS = 2, 8
"""LiteLLM's: few rounds, because they hardly differ, and long ones, because it completes some ten streams a second."""
SLOW_RATE = 20
STREAMS = 500
SLOW_STREAMS = 50
"""Of which the time to first content is measured."""
QUICK_NAMES = (BARE, RELAY, OURS, ENVOY)
QUICK_CASES = (TINY.folder, STREAM.folder)
PROFILED = (BARE, RELAY, OURS, ENVOY)
KEPT, PAGE = Path("build/bench.json"), Path("docs/bench.md")
console = Console(highlight=False, soft_wrap=True, width=160)


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    names = [name for name in (QUICK_NAMES if options.quick else GATEWAYS) if _can_be_had(name)]
    before, versions = facts(), {}
    wanted = options.case or (QUICK_CASES if options.quick else [case.folder for case in CASES])
    wanted = [] if options.open_loop else wanted
    streams = 0 if options.case or options.quick or options.open_loop else options.idle
    if streams:
        console.print(f"[dim]{streams} idle streams[/]")
    held = {name: idle(name, streams) for name in names if name != LITELLM and streams}
    played, first = [], {}
    for case in CASES:
        if case.folder not in wanted:
            continue
        with TemporaryDirectory(prefix="poolkeeper-bench-") as made, started(Path(made), case, names) as gateways:
            versions = {name: gateway.version for name, gateway in gateways.items()}
            played.append(_play(case, gateways, options, Path(made)))
            if case is STREAM:
                console.print(f"[dim]{case.name}: first content[/]")
                few = options.quick
                counts = {name: SLOW_STREAMS if few or name == LITELLM else STREAMS for name in gateways}
                first = first_content_us(gateways, case, counts)
    with TemporaryDirectory(prefix="poolkeeper-bench-") as made:
        seen = None if options.quick or options.case or options.open_loop else seeing(Path(made))
    edge, by_workers = None, []
    if options.open_loop or not (options.quick or options.case):
        console.print("[dim]open loop: within a bound, streams held, memory under load[/]")
        wide = [name for name in (QUICK_NAMES if options.quick else EVERY) if name != RELAY and _can_be_had(name)]
        edge = frontier(wide, 1 if options.quick else options.rounds, options.soak_minutes * 60)
        console.print("[dim]more than one worker[/]")
        by_workers = workers(1 if options.quick else options.rounds)
    run = Run({**before, **facts_after()}, versions, played, first, held, seen, edge, by_workers)
    return _reported(run, None if options.quick else options.page) and not options.quick


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute: one short round, no LiteLLM, no page")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of a round")
    parser.add_argument("--case", action="append", choices=[case.folder for case in CASES], help="and no idle streams")
    parser.add_argument("--idle", type=int, default=possible(), help="streams held open (default: %(default)s)")
    parser.add_argument("--open-loop", action="store_true", help="only what is measured in an open loop, and workers")
    parser.add_argument("--soak-minutes", type=float, default=0.35, help="load for each gateway (default: %(default)s)")
    parser.add_argument("--page", type=Path, help="write it there, and the chart beside it")
    return parser


def _can_be_had(name: str) -> bool:
    try:
        EVERY[name].version()
    except CannotBeMadeError as reason:
        console.print(f"{name} is left out: {reason}")
        return False
    return True


def _play(case: Case, gateways: Mapping[str, Measured], options: argparse.Namespace, folder: Path) -> Played:
    """Warm-up, then the rounds, each gateway in turn."""
    seconds, core = (1 if options.quick else options.seconds), cores()[0]
    rounds = 1 if options.quick else options.rounds
    for gateway in gateways.values():
        warm_up(gateway, case)
        if gateway.name != LITELLM:
            saturate(gateway, case, 1, folder, core)

    def full_speed(gateway: Measured) -> Load:
        return saturate(gateway, case, SLOW_SECONDS if gateway.name == LITELLM else seconds, folder, core)

    def at_rate(gateway: Measured) -> Load:
        if gateway.name == LITELLM:
            return pace(gateway, case, SLOW_RATE, SLOW_SECONDS, folder, core)
        return pace(gateway, case, case.rate, seconds, folder, core)

    console.print(f"[dim]{case.name}: full speed[/]")
    saturated = _rounds({name: gateway for name, gateway in gateways.items() if name != DIRECT}, rounds, full_speed)
    console.print(f"[dim]{case.name}: {case.rate} a second[/]")
    paced = _rounds(gateways, rounds, at_rate)
    profiles = {}
    if not options.quick:
        console.print(f"[dim]{case.name}: profiles[/]")
        profiles = {name: profile(gateways[name], case, seconds, folder, core) for name in PROFILED}
    return Played(case, saturated, paced, profiles)


def _rounds(gateways: Mapping[str, Measured], rounds: int, play: Callable[[Measured], Load]) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {name: [] for name in gateways}
    for number in range(rounds):
        for name, gateway in gateways.items():
            if name != LITELLM or number < SLOW_ROUNDS:
                found[name].append(play(gateway))
    return found


def _reported(run: Run, path: Path | None) -> int:
    console.print(f"versions: {', '.join(f'{name} {version}' for name, version in run.versions.items())}")
    console.print(Markdown(tables(run)))
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(dataclasses.asdict(run), indent=1))
    if path:
        path.write_text(page(run, path.with_suffix(".svg").name))
        path.with_suffix(".svg").write_text(chart(run))
        if path == PAGE:
            README.write_text(with_table(README.read_text(), path.read_text(), BESIDE, "speed"))
        console.print(f"written: {path}")
    broken = [goal for goal in goals(run) if goal.is_broken]
    for goal in broken:
        console.print(f"{goal.name}: seen {goal.seen_text}, wanted {goal.floor:g}{goal.unit} at the worst")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
