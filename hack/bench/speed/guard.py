"""Does a change make the router slower? The router of this tree beside that of another commit, by the CPU time of a
request: in pairs, in two minutes. Exit 1 where a case is slower by more than 3 %, for certain."""

import argparse
import dataclasses
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.markdown import Markdown

from hack.bench.figures import median, table
from hack.bench.machine import facts, facts_after
from hack.bench.speed.baselines import cores
from hack.bench.speed.cases import REAL, STREAM, TINY, Case
from hack.bench.speed.load import saturate, warm_up
from hack.bench.speed.measured import Measured
from hack.bench.speed.paired import CONFIDENCE_PERCENT, LIMIT_PERCENT, Change, change
from hack.bench.speed.process_usage import running_us
from hack.bench.speed.provider import provider
from testing.gateways.gateway import HOST

ROOT = Path(__file__).resolve().parents[3]
NEEDED = ("operator", "router", "testing", "pyproject.toml")
"""Of a commit, to plan a document and to serve it."""
BEFORE, AFTER = "before", "after"
WARM_UP_S, SECONDS = 1, 1
PAIRS = 8
Spec = Mapping[str, object]


@dataclass(frozen=True)
class Guarded:
    """A case with the policy that it needs."""

    case: Case
    spec: Spec


def _whole(how: str) -> Spec:
    return {"streaming": {"wholeAnswers": how}}


GUARDED: Mapping[str, Guarded] = {
    "tiny": Guarded(TINY, _whole("AsAsked")),
    "real": Guarded(REAL, _whole("AsAsked")),
    "assembled": Guarded(
        dataclasses.replace(REAL, name="realistic JSON, asked for as a stream", folder=STREAM.folder), _whole("Stream")
    ),
    "stream": Guarded(STREAM, _whole("AsAsked")),
}


@dataclass(frozen=True)
class Outcome:
    name: str
    before_us: float
    after_us: float
    change: Change


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    console, began = Console(highlight=False, soft_wrap=True, width=140), facts()
    with TemporaryDirectory(prefix="poolkeeper-guard-") as made:
        trees = {BEFORE: Path(made) / "tree", AFTER: ROOT}
        commit = extract(options.ref, trees[BEFORE])
        outcomes = [
            _compare(GUARDED[name], trees, Path(made) / name, options.pairs) for name in options.case or GUARDED
        ]
    heading = f"CPU time of a request, this tree beside {commit}: medians of {options.pairs} pairs of rounds"
    lines = [f"- {name}: {value}" for name, value in {**began, **facts_after()}.items()]
    console.print(Markdown("\n".join([heading, "", *lines, "", report(outcomes)])))
    slower = [outcome.name for outcome in outcomes if outcome.change.is_slower]
    if slower:
        console.print(f"slower by more than {LIMIT_PERCENT:g} %: {', '.join(slower)}")
    return int(bool(slower))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-guard", description=__doc__)
    parser.add_argument(
        "--ref", default="HEAD", help="compare with this commit (default: HEAD; after a commit: HEAD~1)"
    )
    parser.add_argument("--case", action="append", choices=list(GUARDED), help="only this one")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"of rounds of {SECONDS} s (default: %(default)s)")
    return parser


def report(outcomes: Sequence[Outcome]) -> str:
    def conclusion(one: Change) -> str:
        if one.is_slower:
            return "**slower**"
        return ("slower" if one.percent > 0 else "faster") if one.is_certain else "no difference seen"

    rows = [
        [one.name, f"{one.before_us:.1f}", f"{one.after_us:.1f}", one.change.text, conclusion(one.change)]
        for one in outcomes
    ]
    return table(["case", "before µs", "after µs", f"change ({CONFIDENCE_PERCENT} % confidence)", ""], rows)


def extract(ref: str, folder: Path) -> str:
    """The needed part of a commit; gives its name."""
    found = subprocess.run(
        ["git", "rev-parse", "--short", f"{ref}^{{commit}}"], cwd=ROOT, capture_output=True, text=True
    )
    if found.returncode:
        raise SystemExit(f"seen no commit '{ref}'; wanted one such as HEAD~1 or main")
    packed = subprocess.run(["git", "archive", ref, *NEEDED], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="tar")
    return found.stdout.strip()


def _compare(guarded: Guarded, trees: Mapping[str, Path], folder: Path, pairs: int) -> Outcome:
    """A pair: a router of each tree, under load at the same time on the same core, so that what slows one slows both.
    Each pair is new: which traces LuaJIT makes is luck, and worth some percent for as long as a process lives."""
    load_core, core = cores()
    case, spent = guarded.case, {name: list[float]() for name in trees}
    with ExitStack() as stack:
        port, _ = stack.enter_context(provider(folder / "provider", load_core))
        url = f"http://{HOST}:{port}{case.path}"
        routers = [
            stack.enter_context(routers_of(tree, folder / name, url, core, guarded.spec, pairs))
            for name, tree in trees.items()
        ]
        both = stack.enter_context(ThreadPoolExecutor(len(trees)))
        for pair in zip(*routers, strict=True):
            for router in pair:
                warm_up(router, case)
            rounds = list(both.map(lambda router: _round_us(router, case, folder / router.name, load_core), pair))
            for name, its_us in zip(trees, rounds, strict=True):
                spent[name].append(its_us)
    return Outcome(case.name, median(spent[BEFORE]), median(spent[AFTER]), change(spent[BEFORE], spent[AFTER]))


def _round_us(router: Measured, case: Case, folder: Path, core: int | None) -> float:
    saturate(router, case, WARM_UP_S, folder, core)
    before = running_us(router.pid)
    load = saturate(router, case, SECONDS, folder, core)
    if load.errors:
        raise RuntimeError(f"{router.name}: {load.errors} requests of a round failed")
    return (running_us(router.pid) - before) / load.requests


@contextmanager
def routers_of(
    tree: Path, folder: Path, url: str, core: int | None, spec: Spec, count: int
) -> Iterator[list[Measured]]:
    """Routers of a tree, started by that tree's own tools."""
    folder.mkdir(parents=True)
    wanted = {"folder": str(folder), "url": url, "core": core, "spec": spec, "count": count}
    command = [sys.executable, "-P", str(Path(__file__).with_name("routers.py")), json.dumps(wanted)]
    env = {name: value for name, value in os.environ.items() if name != "POOLKEEPER_ROUTER_DIR"}
    env["PYTHONPATH"] = f"{tree / 'operator'}:{tree}"
    with subprocess.Popen(
        command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tree
    ) as process:
        assert process.stdin and process.stdout
        shown = process.stdout.readline()
        if not shown:
            raise RuntimeError(f"the routers of {tree} did not start; see above")
        yield [Measured(folder.name, "", base_url, pid) for base_url, pid in json.loads(shown)]
        process.stdin.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
