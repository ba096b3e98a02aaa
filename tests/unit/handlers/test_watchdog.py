"""A process that stands still, or does not end though it was asked to, is ended from outside of its loop."""

import threading
import time

from poolkeeper.handlers.watchdog import Watchdog

PATIENCE_S = 20.0
"""A hang guard."""


class Ends:
    def __init__(self) -> None:
        self.why: list[str] = []
        self.came = threading.Event()

    def __call__(self, why: str) -> None:
        self.why.append(why)
        self.came.set()


def test_a_loop_that_stands_still_is_ended() -> None:
    ends = Ends()
    watchdog = Watchdog(standstill_s=0.05, look_s=0.01, end=ends)
    assert ends.came.wait(PATIENCE_S)
    watchdog.is_over()

    assert ends.why[0].startswith("its loop has stood still for")


def test_a_loop_that_turns_is_left_alone() -> None:
    ends = Ends()
    watchdog = Watchdog(standstill_s=PATIENCE_S, look_s=0.01, end=ends)
    for _ in range(10):
        watchdog.turned()
        time.sleep(0.01)
    watchdog.is_over()

    assert ends.why == []


def test_an_end_that_does_not_come_is_made() -> None:
    ends = Ends()
    watchdog = Watchdog(standstill_s=PATIENCE_S, look_s=0.01, end=ends)
    watchdog.ends_within(0.01)
    watchdog.ends_within(PATIENCE_S)
    assert ends.came.wait(PATIENCE_S / 2)
    watchdog.is_over()

    assert ends.why[0] == "it was to end, and did not"
