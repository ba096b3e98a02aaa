"""A router whose clock is turned to a holiday: prices and schedule leave that day out, without a new document."""

import time
from datetime import UTC, datetime
from pathlib import Path

from router.harness import endpoint, eventually
from router.test_clock_steps import SetClock
from scrape import total
from testing.fakes.harness import FakeProvider

WORKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day(year: int, month: int, number: int) -> int:
    return (datetime(year, month, number, tzinfo=UTC) - EPOCH).days


PEAK = {
    "days": WORKDAYS, "from_minute": 60, "to_minute": 240, "time_zone": "UTC", "except_calendars": ("cn",),
}  # fmt: skip
CALENDARS = [{"name": "cn", "spans": [{"first_day": day(2027, 2, 5), "last_day": day(2027, 2, 11)}]}]
UTC_ZONE = [{"name": "UTC", "offsets": [{"since_s": 0, "offset_s": 0}]}]


def turn(clock: SetClock, at: datetime) -> None:
    clock.step(at.timestamp() - time.time())


def test_peak_hours_are_none_on_a_holiday(tmp_path: Path) -> None:
    clock = SetClock(tmp_path)
    prices = {"currency": "USD", "input_per_million": "1000", "output_per_million": "1000"}
    with FakeProvider("a") as a, FakeProvider("b") as b, clock.router(tmp_path) as router:
        turn(clock, datetime(2027, 2, 3, 0, 30, tzinfo=UTC))
        router.serve(
            endpoint("a", a, schedule=[{**PEAK, "percent": 0}]),
            endpoint("b", b, tier=1, pricing={**prices, "windows": [{**PEAK, "percent": 200}]}),
            calendars=CALENDARS, time_zones=UTC_ZONE,
        )  # fmt: skip

        def served_by() -> str:
            return router.ask().headers["x-poolkeeper-endpoint"]

        assert served_by() == "a", "an ordinary Wednesday, before the peak"
        turn(clock, datetime(2027, 2, 3, 1, 30, tzinfo=UTC))
        eventually(lambda: served_by() == "b", "the peak of a Wednesday")
        before = total(router.metrics(), "poolkeeper_cost_total", endpoint="b")
        assert served_by() == "b"
        doubled = total(router.metrics(), "poolkeeper_cost_total", endpoint="b") - before

        turn(clock, datetime(2027, 2, 8, 1, 30, tzinfo=UTC))
        eventually(lambda: served_by() == "a", "a Monday at the same hour, but a holiday")
        a.set("busy503")
        before = total(router.metrics(), "poolkeeper_cost_total", endpoint="b")
        assert served_by() == "b"
        plain = total(router.metrics(), "poolkeeper_cost_total", endpoint="b") - before

    assert plain > 0
    assert round(doubled / plain, 6) == 2
