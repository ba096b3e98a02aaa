"""What may go wrong between the operator and the API server, and at which number. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum


class What(Enum):
    """of: what it happens to, and so what is counted."""

    KILL_BEFORE = "write", "the operator is killed, and the write does not arrive"
    KILL_AFTER = "write", "the write arrives, and the operator is killed before it hears so"
    CONFLICT = "write", "409"
    BUSY = "write", "429 with Retry-After: 1"
    ERROR = "write", "500"
    GONE = "write", "410"
    WEBHOOK = "write", "500: failed calling webhook"
    ENDING = "write", "403: its namespace is being terminated"
    HTML = "write", "200 with a page of HTML; the write does not arrive"
    HANG = "write", "no answer; the write does not arrive"
    HALF = "write", "the write arrives, its answer breaks off in the middle"
    SLOW = "write", "the answer comes after 3 s"
    READ_ERROR = "read", "500"
    READ_HANG = "read", "no answer"
    READ_HALF = "read", "the answer breaks off in the middle"
    DROP = "event", "it is lost, those after it come"
    EXPIRED = "event", "410 Gone in its place, and the watch ends"
    HALF_LINE = "event", "the connection breaks in the middle of it"
    LEADERLESS = "event", "an ERROR of code 500 in its place"
    TWICE = "event", "it comes a second time"
    SWAPPED = "event", "it comes after the next one"
    SILENT = "event", "it does not come, and nothing after it; the watch stays open"
    STALE = "list", "the list of an earlier moment, and its watch says nothing more for 3 s"

    def __init__(self, of: str, effect: str) -> None:
        self.of = of
        self.effect = effect


@dataclass(frozen=True)
class Fault:
    """at: the numbers, from 1."""

    what: What
    at: Collection[int]


@dataclass(frozen=True)
class Faults:
    all: tuple[Fault, ...] = ()

    def at(self, of: str, number: int) -> What | None:
        return next((fault.what for fault in self.all if fault.what.of == of and number in fault.at), None)


NO_FAULTS = Faults()


def every(what: What, nth: int, first: int = 1) -> Faults:
    """At first, first + nth, first + 2 nth, ..."""
    return Faults((Fault(what, range(first, 1_000_000, nth)),))


def together(faults: Iterable[Faults]) -> Faults:
    return Faults(tuple(fault for one in faults for fault in one.all))
