"""`make probe-soak`: 500 runs of the prober against a real model server; exit 1 if any calls it anything but Healthy,
or if the same runs would not notice that it is slow."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.bench.soak.figures import false_alarms, table
from hack.bench.soak.model_server import MODEL, is_built, model_server
from hack.bench.soak.probe_runs import History, Seen, Target
from poolkeeper.api.reasons import ProbeReason
from testing.gateways.environments import CannotBeMadeError

REPORT_EVERY = 50


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    if not is_built():
        print("installing llama.cpp into the cache, once", file=sys.stderr)
    with TemporaryDirectory(prefix="poolkeeper-soak-") as made:
        try:
            with model_server(Path(made)) as port:
                return asyncio.run(
                    soak(Path(made) / "probe", Target(port, MODEL, max_tokens=options.tokens), options.runs)
                )
        except CannotBeMadeError as error:
            print(f"there is no model server: {error}", file=sys.stderr)
            return 2


async def soak(folder: Path, target: Target, runs: int) -> int:
    history = History(folder)
    await history.run(replace(target, first_token_ms=60_000))  # the first answer of a process is no measure
    seen: list[Seen] = []
    for number in range(1, runs + 1):
        seen.append(await history.run(target))
        if number % REPORT_EVERY == 0:
            print(f"  {number} runs, {false_alarms(seen)} false alarms", file=sys.stderr)
    print(table(seen, target))
    found = await _as_if_slow(history, target, seen)
    print(f"The same server, held to a tenth of its fastest first token: {found or 'nothing'} after two runs.")
    return 1 if false_alarms(seen) or found != ProbeReason.SlowFirstToken else 0


async def _as_if_slow(history: History, target: Target, seen: Sequence[Seen]) -> str:
    """What would be said of it if it were slow: the check of this check."""
    fastest_ms = min((one.phases.first for one in seen if one.phases.first), default=10)
    strict = replace(target, first_token_ms=max(1, fastest_ms // 10))
    return [await history.run(strict) for _ in range(2)][-1].remembered.reason


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--tokens", type=int, default=16, help="longest answer that is asked for")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
