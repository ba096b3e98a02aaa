"""`make dashboards`: plays the incident day to two routers and a Prometheus, asks every query of every dashboard,
compares the answers with what providers and callers counted, and writes docs/dashboards.md with its pictures.

Without `prometheus` it says so. With --quick it takes a minute and writes nothing.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from hack.bench import machine
from hack.dashboards import incident
from hack.dashboards.check import answers, compared
from hack.dashboards.page import page, pictures
from hack.dashboards.picture import Span
from hack.dashboards.prometheus import MissingError

PAGE = Path("docs/dashboards.md")
FOLDER = Path("docs/dashboards")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make dashboards", description=__doc__)
    parser.add_argument("--day-s", type=float, default=300.0, help="seconds that the day takes (default 300)")
    parser.add_argument("--quick", action="store_true", help="a story of a minute; writes nothing")
    options = parser.parse_args()
    script = incident.short() if options.quick else incident.day(options.day_s)
    facts = machine.facts()
    print(f"two routers, a Prometheus, {script.seconds:.0f} s of incidents")
    try:
        with tempfile.TemporaryDirectory() as folder, incident.played(script, Path(folder)) as story:
            found, values = answers(story), list(compared(story))
            span = Span(story.began_s, story.now_s)
    except MissingError as error:
        print(error)
        return 1
    empty = [f"{one.dashboard.slug}: {one.panel.title}: no data" for one in found if one.is_empty]
    wrong = [
        f"{one.what}: {one.shown:.4g} shown, {one.counted:.4g} counted, wanted within {one.within:.3g}"
        for one in values
        if not one.is_right
    ]
    print("\n".join([*empty, *wrong]) or f"{len(found)} panels have data; {len(values)} values are what was counted")
    if not options.quick and not empty and not wrong:
        FOLDER.mkdir(exist_ok=True)
        for slug, drawn in pictures(found, span).items():
            (FOLDER / f"{slug}.svg").write_text(drawn, encoding="utf-8")
        about = f"[the incident day](incidents.md), which took {script.seconds:.0f} s here"
        PAGE.write_text(page({**facts, **machine.facts_after()}, about, values), encoding="utf-8")
    return 1 if empty or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
