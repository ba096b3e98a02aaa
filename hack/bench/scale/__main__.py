"""`make bench-scale`: 10, 100, 1,000 pools on a control plane of its own, with fake routers; exit 1 if a floor of the
goals is missed. --pools names other sizes."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from hack.bench import machine
from hack.bench.scale.measure import NAMESPACE, Bed, Measured, Unreached, measure
from hack.bench.scale.page import Report, page, plot
from testing.chaos.client import User
from testing.chaos.control_plane import ControlPlane, missing
from testing.chaos.faults import NO_FAULTS
from testing.chaos.fleet import Fleet
from testing.chaos.operator import Operator
from testing.chaos.proxy import Proxy

SIZES = (10, 100, 1000)
CONTROLLERS = ("serviceaccount-controller", "deployment-controller", "replicaset-controller")
"""Others have nothing to do for us here, and would take the machine's time."""


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    why = missing()
    if why:
        print(f"make bench-scale needs a control plane: {why}", file=sys.stderr)
        return 2
    facts, found, unreached = machine.facts(), list[Measured](), list[Unreached]()
    until_s = time.monotonic() + 60 * options.minutes
    with TemporaryDirectory(prefix="poolkeeper-scale-") as made:
        folder = Path(made)
        with ExitStack() as running:
            plane = running.enter_context(ControlPlane.start(folder / "plane", only=CONTROLLERS))
            proxy = running.enter_context(Proxy(plane.url, plane.token, NO_FAULTS))
            user = User(plane.url, plane.token)
            user.make_namespace(NAMESPACE)
            operator = Operator(folder, proxy.url, options=["--no-leader-elect"])
            with Fleet(plane.url, plane.token) as fleet:
                operator.start()
                try:
                    known = 0
                    for pools in options.pools:
                        seen = measure(Bed(user, operator, proxy, fleet, until_s), known, pools, options.rest_s)
                        print(seen, file=sys.stderr, flush=True)
                        if isinstance(seen, Unreached):
                            unreached.append(seen)
                            break
                        found.append(seen)
                        known = pools
                finally:
                    operator.kill()
    if not found:
        print("not even the smallest size was reached; try again on a machine that does less", file=sys.stderr)
        return 1
    report = Report({**facts, **machine.facts_after()}, found, unreached)
    print(page(report))
    if options.page:
        options.page.write_text(page(report))
        options.page.with_suffix(".svg").write_text(plot(found))
    return 1 if any(goal.is_broken for goal in report.goals) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.scale", description=__doc__)
    parser.add_argument("--pools", type=int, nargs="+", default=SIZES, help="in growing order")
    parser.add_argument("--rest-s", type=float, default=60, help="how long it is watched when idle")
    parser.add_argument("--minutes", type=float, default=90, help="a size that is not made by then is left out")
    parser.add_argument("--page", type=Path, help="write the page here, and the plot beside it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
