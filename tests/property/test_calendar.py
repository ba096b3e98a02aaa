"""The router's clock on the wall against the prober's: windows in any time zone, over any night that clocks change; and
what the one takes an answer to cost against what the other does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st
from lupa.luajit21 import LuaRuntime

from factories import endpoint, pool, snapshot
from poolkeeper.plan.calendars import calendar_docs
from poolkeeper.plan.tariffs import pricing_doc, schedule_doc
from poolkeeper.plan.timezones import YEARS, time_zones
from poolkeeper.probing import calendar
from poolkeeper.probing.pricing import cost, usage_of
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
        """function(said, zones, calendars, now_s)
             local calendar = require "core.document.calendar"
             local by_name, dates = {}, {}
             for _, zone in ipairs(zones) do by_name[zone.name] = zone.offsets end
             for _, one in ipairs(calendars) do dates[one.name] = one.spans end
             return calendar.holds(calendar.window(said, by_name, dates), now_s)
           end"""
    ),
)
cost_of = cast(
    Callable[..., float],
    lua.eval(
        """function(said, zones, usage, now_s)
             local calendar, cost = require "core.document.calendar", require "core.document.cost"
             local by_name, windows = {}, {}
             for _, zone in ipairs(zones) do by_name[zone.name] = zone.offsets end
             for i, window in ipairs(said.windows) do windows[i] = calendar.window(window, by_name) end
             return cost.of(cost.pricing(said), usage, calendar.percent(windows, now_s))
           end"""
    ),
)


def table(value: object) -> object:
    if isinstance(value, dict):
        return lua.table_from({key: table(item) for key, item in value.items()})
    return lua.table_from([table(item) for item in value]) if isinstance(value, list | tuple) else value


def by_the_wall(
    moment: datetime, days: list[str], from_: str, to: str, zone: str, starts: Callable[[date], bool] = lambda _: True
) -> bool:
    """What the fields are documented to mean, said once more with zoneinfo. starts: on this date?"""
    wall = moment.astimezone(ZoneInfo(zone))
    now, yesterday = wall.strftime("%H:%M"), wall.date() - timedelta(days=1)
    is_today = DAYS[wall.weekday()] in days and starts(wall.date())
    if from_ < to:
        return is_today and from_ <= now < to
    return (is_today and now >= from_) or (DAYS[yesterday.weekday()] in days and starts(yesterday) and now < to)


FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
near = st.dates(date(2027, 2, 1), date(2027, 2, 28))
spans_of_dates = st.lists(st.tuples(near, st.integers(0, 9)), max_size=4)


def written(spans: list[tuple[date, int]]) -> list[str]:
    return [str(first) if days == 0 else f"{first}/{first + timedelta(days=days)}" for first, days in spans]


def is_in(spans: list[tuple[date, int]], day: date) -> bool:
    return any(first <= day <= first + timedelta(days=days) for first, days in spans)


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

    seen = holds(table(said.model_dump()), table(zones), table([]), int(moment.timestamp()))

    assert seen == by_the_wall(moment, days, from_, to, zone)
    assert seen == calendar.holds(spec.endpoints[0].schedule[0], moment)


@settings(deadline=None)
@given(
    st.integers(-2 * 24 * 60, 30 * 24 * 60).map(
        lambda minute: datetime(2027, 2, 1, tzinfo=UTC) + timedelta(minutes=minute)
    ),
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True),
    clock_times,
    clock_times,
    st.sampled_from(ZONES),
    spans_of_dates,
    spans_of_dates,
    spans_of_dates,
    st.sampled_from(["calendars", "exceptCalendars", None]),
)
def test_a_window_holds_on_its_dates_only(
    moment: datetime,
    days: list[str],
    from_: str,
    to: str,
    zone: str,
    only: list[tuple[date, int]],
    never: list[tuple[date, int]],
    named: list[tuple[date, int]],
    used_as: str | None,
) -> None:
    if from_ == to:
        return
    window: dict[str, object] = {"days": days, "from": from_, "to": to, "timeZone": zone, "weightPercent": 50}
    window |= {"dates": sorted(set(written(only))), "exceptDates": sorted(set(written(never)))}
    window |= {used_as: ["named"]} if used_as else {}
    ref = {"name": "named", "configMapRef": {"name": "holidays", "key": "k"}}
    given_ = snapshot(pool([endpoint("a", schedule=[window])], calendars=[ref]))
    given_ = replace(given_, calendars={"named": "\n".join(written(named))})
    assert given_.pool is not None
    spec = given_.pool.spec
    (said,), calendars = schedule_doc(spec.endpoints[0]), calendar_docs(given_)

    def starts(day: date) -> bool:
        wanted, is_any = is_in(only, day), not only and used_as != "calendars"
        is_named = is_in(named, day)
        if is_in(never, day) or (used_as == "exceptCalendars" and is_named):
            return False
        return is_any or wanted or (used_as == "calendars" and is_named)

    zones = [found.model_dump() for found in time_zones(spec, datetime(YEAR, 6, 1, tzinfo=UTC))]
    shown = [one.model_dump() for one in calendars]
    seen = holds(table(said.model_dump()), table(zones), table(shown), int(moment.timestamp()))

    assert seen == by_the_wall(moment, days, from_, to, zone, starts)
    assert seen == calendar.holds(spec.endpoints[0].schedule[0], moment, calendar.by_name(calendars))


amounts = st.decimals(0, 1000, places=6).map(str)
counts = (
    st.integers(0, 1_000_000)
    | st.floats(0, 1_000_000)
    | st.sampled_from([-1, -0.5, 10**12, 10**12 + 1, float("inf"), float("-inf"), float("nan"), True, False, None])
    | st.sampled_from(["12", "many", "", "0x10", [], [7], {}, {"cached_tokens": 7}])
)
usages = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": counts,
        "completion_tokens": counts,
        "total_tokens": counts,
        "cached_tokens": counts,
        "prompt_cache_hit_tokens": counts,
        "prompt_tokens_details": counts | st.fixed_dictionaries({}, optional={"cached_tokens": counts}),
    },
)
price_windows = st.builds(
    lambda days, from_, to, zone, percent: {
        "days": days, "from": from_, "to": to, "timeZone": zone, "multiplierPercent": percent
    },
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True),
    clock_times,
    clock_times,
    st.sampled_from(ZONES),
    st.integers(0, 1_000),
).filter(lambda window: window["from"] != window["to"])  # fmt: skip


@settings(deadline=None)
@given(amounts, amounts | st.none(), amounts, st.lists(price_windows, max_size=3), usages, moments)
def test_probers_and_routers_take_the_same_price(
    input_: str,
    cached: str | None,
    output: str,
    windows: list[dict[str, object]],
    usage: dict[str, object],
    moment: datetime,
) -> None:
    prices = {"currency": "USD", "inputPerMillion": input_, "cachedInputPerMillion": cached, "outputPerMillion": output}
    spec = pool([endpoint("a", pricing=prices | {"windows": windows})]).spec
    declared = spec.endpoints[0].pricing
    said, read = pricing_doc(declared), usage_of(usage)
    assert declared is not None
    assert said is not None
    assert read is not None
    zones = [found.model_dump() for found in time_zones(spec, datetime(YEAR, 6, 1, tzinfo=UTC))]

    seen = cost_of(table(said.model_dump(exclude_none=True)), table(zones), table(usage), int(moment.timestamp()))

    want = cost(declared, read, moment)
    assert abs(Decimal(seen) - want) <= Decimal("1e-9") + want * Decimal("1e-12")
