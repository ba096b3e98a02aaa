"""Where a request's CPU time goes, in the router of this tree and in that of another commit: writes the picture and the
tables of docs/performance.md. From samples of `perf record` while each router is under load."""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.bench.figures import table
from hack.bench.machine import facts
from hack.bench.speed.baselines import cores
from hack.bench.speed.chart import Bar, bars
from hack.bench.speed.guard import AFTER, BEFORE, GUARDED, ROOT, Guarded, extract, routers_of
from hack.bench.speed.load import saturate, warm_up
from hack.bench.speed.profile import OTHER, PLACES, cpu_us_by_place
from hack.bench.speed.provider import provider
from testing.gateways.gateway import HOST

PAGE = ROOT / "docs" / "performance.md"
SECONDS = 4
MARK = re.compile(r"(<!-- where: .*-->\n)(?:.*\n)*?(<!-- end -->)")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="hack/bench/run.sh speed.where", description=__doc__)
    parser.add_argument("--ref", default="HEAD", help="the other commit (default: %(default)s)")
    options = parser.parse_args(arguments)
    began = facts()
    with TemporaryDirectory(prefix="poolkeeper-where-") as made:
        trees = {BEFORE: Path(made) / "tree", AFTER: ROOT}
        commit = extract(options.ref, trees[BEFORE])
        groups = [(one.case.name, _measured(one, trees, Path(made) / name)) for name, one in GUARDED.items()]
    PAGE.with_suffix(".svg").write_text(bars(groups, "hack/bench/run.sh speed.where"))
    shown = ", ".join([f"before is {commit}", *(f"{name} {value}" for name, value in began.items())])
    text = f"{shown}.\n\n" + "\n\n".join(_table(name, group) for name, group in groups)
    PAGE.write_text(MARK.sub(lambda found: f"{found[1]}{text}\n{found[2]}", PAGE.read_text()))
    sys.stdout.write(f"{text}\n")
    return 0


def _measured(guarded: Guarded, trees: Mapping[str, Path], folder: Path) -> list[Bar]:
    load_core, core = cores()
    found = []
    with ExitStack() as stack:
        port, _ = stack.enter_context(provider(folder / "provider", load_core))
        url = f"http://{HOST}:{port}{guarded.case.path}"
        for name, tree in trees.items():
            [router] = stack.enter_context(routers_of(tree, folder / name, url, core, guarded.spec, 1))
            warm_up(router, guarded.case)
            saturate(router, guarded.case, 1, folder, load_core)
            by_place = cpu_us_by_place(router, guarded.case, SECONDS, folder, load_core)
            if not by_place:
                raise SystemExit(
                    "seen no samples; wanted `perf record` to be allowed here. To do: run as root, with perf"
                )
            found.append(Bar(name, sum(by_place.values()), by_place))
    return found


def _table(name: str, group: Sequence[Bar]) -> str:
    places = [*PLACES.values(), OTHER]
    rows = [[place, *(f"{bar.by_place.get(place, 0):.1f}" for bar in group)] for place in places]
    total = ["all", *(f"{bar.total_us:.1f}" for bar in group)]
    return table([f"{name}, CPU µs", *(bar.name for bar in group)], [*rows, total])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
