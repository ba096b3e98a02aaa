"""What a request costs, and what it may cost at most. Exact decimals; a window's multiplier counts while it is open."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from poolkeeper.api.endpoint import Pricing, TimeWindow
from poolkeeper.probing.phases import Usage

_MILLION = Decimal(1_000_000)
_PERCENT = Decimal(100)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def cost(pricing: Pricing, usage: Usage, at: datetime) -> Decimal:
    whole = pricing.input_per_million.decimal
    cached = pricing.cached_input_per_million.decimal if pricing.cached_input_per_million is not None else whole
    fresh = max(0, usage.prompt - usage.cached)
    parts = fresh * whole + usage.cached * cached + usage.completion * pricing.output_per_million.decimal
    return parts / _MILLION * _multiplier(pricing, at)


def most(pricing: Pricing, body_bytes: int, max_tokens: int, at: datetime) -> Decimal:
    """No token is shorter than a byte."""
    return cost(pricing, Usage(body_bytes, max_tokens), at)


def is_open(window: TimeWindow, at: datetime) -> bool:
    """A window over midnight belongs to the day it starts on."""
    local = at.astimezone(ZoneInfo(str(window.time_zone)))
    minute, start, end = local.hour * 60 + local.minute, window.from_.minutes, window.to.minutes
    if start < end:
        return start <= minute < end and DAYS[local.weekday()] in window.days
    if minute >= start:
        return DAYS[local.weekday()] in window.days
    return minute < end and DAYS[(local - timedelta(days=1)).weekday()] in window.days


def _multiplier(pricing: Pricing, at: datetime) -> Decimal:
    multiplier = Decimal(1)
    for window in pricing.windows:
        if is_open(window, at):
            multiplier *= window.multiplier_percent / _PERCENT
    return multiplier
