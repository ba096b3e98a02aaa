"""What may still be spent today, in each currency, and what was.

A prober remembers nothing: its document has the cost of this day's runs up to some time. Every run that was due since
is taken to have cost what this one may at most, so that the budget holds also while nobody adds up.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from itertools import takewhile

from poolkeeper.api.probe_document import Amount, SpentDoc
from poolkeeper.api.value_types import Currency, Money
from poolkeeper.probing.schedule import firings

Purses = Mapping[str, Decimal]
"""Currency -> amount. Different currencies are never added up."""

_MOST_FIRINGS = 1440
"""A minute apart, for a day."""
_EXACT = Decimal("0.000001")


class Purse:
    """One run's money. limit: of the day, in each currency. spent: today, as far as known."""

    def __init__(self, limit: Decimal, spent: Purses) -> None:
        self._limit = limit
        self._before = dict(spent)
        self._now: dict[str, Decimal] = {}
        self.is_short = False
        """Something was not bought."""

    def reserve(self, currency: str, at_most: Decimal) -> bool:
        """Take so much out for a request that is about to be made; settle() when its price is known."""
        if self._before.get(currency, Decimal(0)) + self._now.get(currency, Decimal(0)) + at_most > self._limit:
            self.is_short = True
            return False
        self._now[currency] = self._now.get(currency, Decimal(0)) + at_most
        return True

    def settle(self, currency: str, reserved: Decimal, price: Decimal) -> None:
        self._now[currency] += price - reserved

    @property
    def paid(self) -> tuple[Amount, ...]:
        return amounts(self._now)


def spent_today(spent: SpentDoc | None, schedule: str, run_at_most: Purses, now: datetime) -> Purses:
    """What this day has cost before the run that starts now."""
    if spent is None:
        return {}
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    known = money(spent.amounts) if spent.day == midnight.date() else {}
    since = max(midnight - timedelta(seconds=1), spent.as_of)
    due = takewhile(lambda at: at <= now, firings(schedule, since))
    unreported = max(0, min(_MOST_FIRINGS, sum(1 for _ in due)) - 1)  # the last of them is this run
    return {
        currency: known.get(currency, Decimal(0)) + unreported * run_at_most.get(currency, Decimal(0))
        for currency in known.keys() | run_at_most.keys()
    }


def money(given: tuple[Amount, ...]) -> dict[str, Decimal]:
    return {amount.currency: Decimal(amount.amount) for amount in given}


def amounts(given: Purses) -> tuple[Amount, ...]:
    return tuple(
        Amount(currency=Currency(currency), amount=Money(f"{given[currency].quantize(_EXACT, ROUND_CEILING):f}"))
        for currency in sorted(given)
        if given[currency]
    )
