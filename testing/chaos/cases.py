"""Which faults a history is played with: a sample for `make test`, all of them for `make chaos`. Pure.

A life that is killed may have to do again what it was doing. So kills lie some writes apart, or none would ever get
through.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from testing.chaos.faults import Fault, Faults, What, every, together

KILLS_APART = 13
REFUSALS = (What.CONFLICT, What.BUSY, What.ERROR, What.GONE, What.HTML, What.WEBHOOK, What.ENDING)
BROKEN_WATCHES = (What.EXPIRED, What.HALF_LINE, What.TWICE, What.LEADERLESS, What.SWAPPED)


@dataclass(frozen=True)
class Case:
    name: str
    faults: Faults

    @property
    def namespace(self) -> str:
        return re.sub("[^a-z0-9]+", "-", self.name.lower()).strip("-")[:60]


def _spread(whats: tuple[What, ...], nth: int) -> Faults:
    """One after the other, with as much room between."""
    return together(every(what, nth * len(whats), 2 + number * nth) for number, what in enumerate(whats))


FOR_LONG = (What.WEBHOOK, What.BUSY, What.ENDING)
LONG = 5
"""Writes in a row: with back-off, half a minute."""


def _for_long(what: What, number: int) -> Faults:
    begins = 3 + 2 * number * LONG
    return Faults((Fault(what, range(begins, begins + LONG)),))


SAMPLE: tuple[Case, ...] = (
    Case("killed before writes", every(What.KILL_BEFORE, KILLS_APART, 4)),
    Case("killed after writes", every(What.KILL_AFTER, KILLS_APART, 15)),
    Case("writes refused", _spread(REFUSALS, 3)),
    Case("writes refused for long", together(_for_long(what, number) for number, what in enumerate(FOR_LONG))),
    Case("writes that hang, are slow or half answered", _spread((What.HALF, What.SLOW, What.HALF, What.HANG), 6)),
    Case("reads fail", _spread((What.READ_ERROR, What.READ_HALF, What.READ_HANG), 5)),
    Case("watches break", _spread(BROKEN_WATCHES, 6)),
    Case("watches that fall silent", every(What.SILENT, 31, 11)),
    Case("events lost", every(What.DROP, 41, 9)),
    Case("stale lists after a restart", every(What.STALE, 1)),
)


def everything(writes: int, events: int) -> Iterator[Case]:
    """writes, events: of the history without faults. Each number once, with each fault."""
    for number in range(1, writes + 1):
        for what in (What.KILL_BEFORE, What.KILL_AFTER):
            yield Case(f"{what.name} write {number}", Faults((Fault(what, {number}),)))
    for what in (*REFUSALS, What.HALF, What.SLOW, What.HANG):
        apart = 11 if what in (What.SLOW, What.HANG) else 5
        for first in range(1, apart + 1):
            yield Case(f"{what.name} writes from {first} every {apart}", every(what, apart, first))
    for what in (What.READ_ERROR, What.READ_HALF, What.READ_HANG):
        yield Case(f"{what.name} every 4", every(what, 4))
    for what in FOR_LONG:
        yield Case(f"{what.name} for long", together(_for_long(what, 3 * number) for number in range(3)))
    for first in (5, 17, 29):
        yield Case(f"{What.SILENT.name} watches from event {first} every 37", every(What.SILENT, 37, first))
    for what in BROKEN_WATCHES:
        for first in range(1, 8):
            yield Case(f"{what.name} events from {first} every 7", every(what, 7, first))
    for first in range(1, 41):
        yield Case(f"{What.DROP.name} events from {first} every 40", every(What.DROP, 40, first))
    for number in range(1, 6):
        yield Case(f"{What.STALE.name} lists, try {number}", every(What.STALE, 1))
