"""What probing costs, and that it stops at the day's budget."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from contract.router import vectors
from poolkeeper.api.endpoint import Pricing
from poolkeeper.api.probe_document import Amount, SpentDoc
from poolkeeper.probing.budget import Purse, spent_today
from poolkeeper.probing.phases import Usage
from poolkeeper.probing.pricing import cost, usage_of
from poolkeeper.probing.schedule import firings, nth_firing

SUNDAY = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
MONDAY = SUNDAY + timedelta(days=1)
PEAK = {"days": ["Mon", "Tue", "Wed", "Thu", "Fri"], "from": "06:00", "to": "10:00", "multiplierPercent": 200}
NIGHT = {"days": ["Sun"], "from": "22:00", "to": "09:00", "multiplierPercent": 50}


def pricing(*windows: dict[str, object], **more: str) -> Pricing:
    prices = {"currency": "USD", "inputPerMillion": "0.15", "outputPerMillion": "0.60"} | more
    return Pricing.model_validate(prices | {"windows": list(windows)})


@pytest.mark.parametrize(
    ("table", "usage", "at", "want"),
    [
        (pricing(), Usage(1000, 64), SUNDAY, "0.0001884"),
        (pricing(), Usage(1000, 0, cached=400), SUNDAY, "0.00015"),
        (pricing(cachedInputPerMillion="0.003"), Usage(1000, 0, cached=400), SUNDAY, "0.0000912"),
        (pricing(PEAK), Usage(0, 1000), SUNDAY, "0.0006"),
        (pricing(PEAK), Usage(0, 1000), MONDAY, "0.0012"),
        (pricing(PEAK), Usage(0, 1000), MONDAY + timedelta(hours=2), "0.0006"),
        (pricing(NIGHT), Usage(0, 1000), MONDAY, "0.0003"),
        (pricing(NIGHT), Usage(0, 1000), SUNDAY, "0.0006"),
    ],
    ids=["plain", "cached at the full price", "cached", "no peak on Sunday", "peak", "peak is over",
         "a night that began yesterday", "a night that did not"],
)  # fmt: skip
def test_cost(table: Pricing, usage: Usage, at: datetime, want: str) -> None:
    assert cost(table, usage, at) == Decimal(want)


USAGE = vectors("usage")


@pytest.mark.parametrize("case", USAGE["cases"], ids=lambda case: case["name"])
def test_an_account_of_tokens_costs_what_the_router_says(case: dict[str, Any]) -> None:
    prices = Pricing.model_validate({to_camel(name): value for name, value in USAGE["pricing"].items()})
    usage = usage_of(case["usage"])

    assert usage is not None
    assert cost(prices, usage, SUNDAY) == Decimal(case["cost"])


@pytest.mark.parametrize("said", [None, [], "9 tokens", 9, True])
def test_what_is_no_account_of_tokens(said: object) -> None:
    assert usage_of(said) is None


def reported(amount: str, as_of: datetime) -> SpentDoc:
    return SpentDoc(day=as_of.date(), as_of=as_of, amounts=(Amount(currency="USD", amount=amount),))


@pytest.mark.parametrize(
    ("spent", "now", "want"),
    [
        (None, SUNDAY, {}),
        (reported("0.2", SUNDAY), SUNDAY + timedelta(minutes=15, seconds=3), {"USD": Decimal("0.2")}),
        (reported("0.2", SUNDAY), SUNDAY + timedelta(minutes=7), {"USD": Decimal("0.2")}),
        (reported("0.2", SUNDAY), SUNDAY + timedelta(hours=1, seconds=3), {"USD": Decimal("0.23")}),
        (reported("0.2", SUNDAY), SUNDAY + timedelta(hours=16, minutes=1), {"USD": Decimal(0)}),
        (reported("0.2", SUNDAY), SUNDAY + timedelta(hours=17, seconds=3), {"USD": Decimal("0.04")}),
    ],
    ids=["nothing known", "the next run", "a run out of turn", "three runs were not reported", "a new day",
         "a new day that nobody added up"],
)  # fmt: skip
def test_what_was_spent_today(spent: SpentDoc | None, now: datetime, want: dict[str, Decimal]) -> None:
    assert spent_today(spent, "*/15 * * * *", {"USD": Decimal("0.01")}, now) == want


@given(
    limit=st.decimals(0, 1, places=4),
    costs=st.lists(st.decimals("0.0001", "0.2", places=4), max_size=60),
    reported_every=st.integers(1, 20),
)
def test_a_days_runs_never_cost_more_than_the_budget(limit: Decimal, costs: list[Decimal], reported_every: int) -> None:
    """At most a fifth of a coin a run, reported only now and then: the budget is never exceeded."""
    at_most, total, spent = Decimal("0.2"), Decimal(0), reported("0", SUNDAY)
    for number, real in enumerate(costs, 1):
        now = SUNDAY + timedelta(minutes=15 * number, seconds=1)
        if now.date() != SUNDAY.date():
            break
        purse = Purse(limit, spent_today(spent, "*/15 * * * *", {"USD": at_most}, now))
        if purse.reserve("USD", at_most):
            purse.settle("USD", at_most, real)
            total += real
        if number % reported_every == 0:
            spent = reported(f"{total:f}", now)

    assert total <= limit


def test_currencies_have_budgets_of_their_own() -> None:
    purse = Purse(Decimal(1), {"USD": Decimal(1)})

    assert purse.reserve("CNY", Decimal(1))
    assert not purse.reserve("USD", Decimal("0.1"))
    assert purse.is_short


@pytest.mark.parametrize(
    ("schedule", "count", "want"),
    [
        ("*/15 * * * *", 1, SUNDAY + timedelta(minutes=15)),
        ("*/15 * * * *", 3, SUNDAY + timedelta(minutes=45)),
        ("@hourly", 1, SUNDAY + timedelta(hours=1)),
        ("@daily", 1, SUNDAY + timedelta(hours=16)),
        ("0,30 8-18/2 ? JAN-JUN mon-fri", 1, datetime(2027, 1, 1, 8, 0, tzinfo=UTC)),
        ("0 0 30 2 *", 1, None),
    ],
)
def test_when_a_schedule_comes_round(schedule: str, count: int, want: datetime | None) -> None:
    assert nth_firing(schedule, SUNDAY, count) == want


def test_every_macro_has_times() -> None:
    for macro in ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"):
        assert next(firings(macro, SUNDAY)) > SUNDAY
