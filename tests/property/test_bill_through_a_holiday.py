"""A turned clock through January and February 2027: the router's prices, with the provider's holidays left out of its
peak hours, make the bill that the provider's own words make, to the cent."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from lupa.luajit21 import LuaRuntime

from poolkeeper.local.manifests import load, snapshot_of
from poolkeeper.local.settings import settings_for
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.probing.calendar import by_name
from poolkeeper.probing.phases import Usage
from poolkeeper.probing.pricing import cost
from testing.router_lua import as_table, search_path

EXAMPLE = Path(__file__).parents[2] / "examples/offpeak.yaml"
START, END = datetime(2026, 12, 28, tzinfo=UTC), datetime(2027, 3, 3, tzinfo=UTC)
STEP = timedelta(minutes=7)
BEIJING = ZoneInfo("Asia/Shanghai")
HOLIDAYS = {date(2027, 1, 1), *(date(2027, 2, day) for day in (5, 6, 7, 8))}
"""Of these weeks, as the example's ConfigMap has them."""
INPUT, OUTPUT = Decimal("0.15"), Decimal("0.60")
CENT = Decimal("0.01")


def is_peak(at: datetime) -> bool:
    """As the provider says it: in Beijing, on workdays, 9 to 12 and 14 to 18 o'clock, not on public holidays."""
    there = at.astimezone(BEIJING)
    is_workday = there.weekday() < 5 and there.date() not in HOLIDAYS
    return is_workday and (9 <= there.hour < 12 or 14 <= there.hour < 18)


def moments() -> list[datetime]:
    return [START + number * STEP for number in range(int((END - START) / STEP))]


def test_routers_and_probes_bill_as_the_provider_does() -> None:
    found = load((EXAMPLE,), local=False)
    given = snapshot_of(found, PoolKey("default", "batch"), settings_for(False))
    document = resolve(given, START).document
    assert document is not None
    assert given.pool is not None
    pricing = given.pool.spec.endpoints[0].pricing
    assert pricing is not None
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.execute(search_path())
    bill = lua.eval(
        """function(said)
             local doc = require("core.document.config").read(said)
             local tariff, cost = require "core.document.tariff", require "core.document.cost"
             for _, endpoint in ipairs(doc.endpoints) do endpoint.candidate = {} end
             tariff.prepare(doc)
             return function(now_ms, input, output)
               tariff.refresh(doc, now_ms)
               local endpoint = doc.endpoints[1]
               return cost.of_counts(endpoint.pricing, { input = input, cached_input = 0, output = output },
                                     endpoint.price_percent), endpoint.weight_now
             end
           end"""
    )(as_table(lua, document.model_dump(mode="json", by_alias=True)))

    billed, probed, want, peaks = 0.0, Decimal(0), Decimal(0), 0
    for number, at in enumerate(moments()):
        tokens = Usage(20_000 + number % 7_000, 3_000 + number % 900, 0)
        one, weight = cast(tuple[float, float], bill(int(at.timestamp()) * 1000, tokens.prompt, tokens.completion))
        plain = (tokens.prompt * INPUT + tokens.completion * OUTPUT) / 1_000_000
        want += plain * (2 if is_peak(at) else 1)
        billed += one
        probed += cost(pricing, tokens, at, by_name(document.calendars))
        assert (weight == 0) == is_peak(at), f"{at}: no request while it costs double"
        peaks += is_peak(at)

    assert peaks > 1_000
    assert want > 50
    assert abs(Decimal(billed) - want) < CENT
    assert probed == want


def test_the_holidays_matter() -> None:
    """Without them the same weeks would be billed otherwise: the test above could not pass by chance."""
    differing = [at for at in moments() if at.astimezone(BEIJING).date() in HOLIDAYS and at.weekday() < 5]

    assert sum(at.astimezone(BEIJING).hour in (9, 10, 11, 14, 15, 16, 17) for at in differing) > 100
