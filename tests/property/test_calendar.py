"""The router's clock on the wall against Python's: windows in any time zone, over any night that clocks change; and
money against decimals."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st
from lupa.luajit21 import LuaRuntime

from factories import endpoint, pool
from poolkeeper.plan.tariffs import schedule_doc
from poolkeeper.plan.timezones import YEARS, time_zones
from testing.router_lua import search_path

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Casablanca",
    "Asia/Gaza",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
)
YEAR = 2026

lua = LuaRuntime(unpack_returned_tuples=True)
lua.execute(search_path())
holds = cast(
    Callable[..., bool],
    lua.eval(
        """function(said, zones, now_s)
             local calendar = require "core.document.calendar"
             local by_name = {}
             for _, zone in ipairs(zones) do by_name[zone.name] = zone.offsets end
             return calendar.holds(calendar.window(said, by_name), now_s)
           end"""
    ),
)
cost_of = cast(
    Callable[..., float],
    lua.eval(
        """function(said, usages, percent)
             local cost, sum = require "core.document.cost", 0
             for _, usage in ipairs(usages) do sum = sum + cost.of(cost.pricing(said), usage, percent) end
             return sum
           end"""
    ),
)


def table(value: object) -> object:
    if isinstance(value, dict):
        return lua.table_from({key: table(item) for key, item in value.items()})
    return lua.table_from([table(item) for item in value]) if isinstance(value, list | tuple) else value


def by_the_wall(moment: datetime, days: list[str], from_: str, to: str, zone: str) -> bool:
    """What the fields are documented to mean, said once more with zoneinfo."""
    wall = moment.astimezone(ZoneInfo(zone))
    today, now = DAYS[wall.weekday()], wall.strftime("%H:%M")
    if from_ < to:
        return today in days and from_ <= now < to
    return (today in days and now >= from_) or (DAYS[wall.weekday() - 1] in days and now < to)


clock_times = st.tuples(st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59])).map(
    lambda at: f"{at[0]:02d}:{at[1]:02d}"
)
first, last = datetime(YEAR, 1, 1, tzinfo=UTC), datetime(YEAR + YEARS, 1, 1, tzinfo=UTC)
moments = st.integers(int(first.timestamp()), int(last.timestamp()) - 1).map(
    lambda second: datetime.fromtimestamp(second, UTC)
)
nights = st.sampled_from([(2026, 3, 29), (2026, 10, 25), (2027, 3, 14), (2027, 11, 7), (2027, 4, 4), (2030, 10, 6)])
nights_of_change = st.tuples(nights, st.integers(-12 * 60, 36 * 60)).map(
    lambda at: datetime.fromtimestamp(datetime(*at[0], tzinfo=UTC).timestamp() + at[1] * 60, UTC)
)


@settings(deadline=None)
@given(
    moments | nights_of_change,
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True),
    clock_times,
    clock_times | st.just("24:00"),
    st.sampled_from(ZONES),
)
@example(datetime(2026, 3, 29, 1, 30, tzinfo=UTC), ["Sun"], "02:00", "03:00", "Europe/Berlin")
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), ["Sun"], "02:00", "03:00", "Europe/Berlin")
@example(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), ["Sun"], "02:00", "03:00", "Europe/Berlin")
def test_a_window_holds_when_the_wall_says_so(
    moment: datetime, days: list[str], from_: str, to: str, zone: str
) -> None:
    if from_ == to:
        return
    window = {"days": days, "from": from_, "to": to, "timeZone": zone, "weightPercent": 50}
    spec = pool([endpoint("a", schedule=[window])]).spec
    (said,) = schedule_doc(spec.endpoints[0])
    zones = [found.model_dump() for found in time_zones(spec, datetime(YEAR, 6, 1, tzinfo=UTC))]

    seen = holds(table(said.model_dump()), table(zones), int(moment.timestamp()))

    assert seen == by_the_wall(moment, days, from_, to, zone)


amounts = st.decimals(0, 1000, places=6).map(str)
usages = st.fixed_dictionaries(
    {
        "prompt_tokens": st.integers(0, 1_000_000),
        "completion_tokens": st.integers(0, 100_000),
        "cached_tokens": st.integers(0, 1_000_000),
    }
)


@given(amounts, amounts, amounts, st.lists(usages, max_size=50), st.integers(0, 1_000))
def test_costs_add_up_as_decimals_do(
    input_: str, cached: str, output: str, answers: list[dict[str, int]], percent: int
) -> None:
    said = {
        "currency": "USD",
        "input_per_million": input_,
        "cached_input_per_million": cached,
        "output_per_million": output,
    }
    want = Decimal(0)
    for usage in answers:
        hit = min(usage["cached_tokens"], usage["prompt_tokens"])
        want += (usage["prompt_tokens"] - hit) * Decimal(input_) + hit * Decimal(cached)
        want += usage["completion_tokens"] * Decimal(output)
    want = want * percent / 100 / 1_000_000

    seen = cost_of(table(said), table(answers), percent)

    assert abs(Decimal(seen) - want) <= Decimal("1e-9") + want * Decimal("1e-12")
