"""`make on-call`: plays an outage on the real Kubernetes, in real time (a quarter of an hour), and writes
docs/on-call.md. With --quick it plays each phase for some seconds, in which few alerts can fire, and writes nothing."""

import argparse
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from hack.bench import machine
from hack.dashboards.lookers import ALERTS
from hack.dashboards.on_call_page import page
from hack.dashboards.outage import PHASES, played
from hack.dashboards.prometheus import MissingError

PAGE = Path("docs/on-call.md")
QUICK_S = 20.0


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that all that was made goes
    parser = argparse.ArgumentParser(prog="make on-call", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_S:.0f} s a phase at most; writes nothing")
    parser.add_argument("--at-most-s", type=float, default=450.0, help="of a phase (default 450: all of each)")
    options = parser.parse_args()
    most_s = QUICK_S if options.quick else options.at_most_s
    phases = [replace(one, seconds=min(most_s, one.seconds)) for one in PHASES]
    facts = machine.facts()
    print(f"an outage of {sum(one.seconds for one in phases):.0f} s")
    try:
        with tempfile.TemporaryDirectory() as folder:
            heard = played(phases, Path(folder))
    except MissingError as error:
        print(error)
        return 1
    for one in heard:
        after = "never" if one.after_s is None else f"{one.after_s:.1f} s"
        print(f"{after:>8}  {one.who:24} {one.words}  [{one.phase.title}]")
    missing = [one for one in heard if one.after_s is None and one.who != ALERTS]
    if not options.quick and not missing:
        PAGE.write_text(page({**facts, **machine.facts_after()}, heard), encoding="utf-8")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
