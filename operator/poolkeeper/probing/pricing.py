"""What a request costs, and what it may cost at most. Exact decimals; a window's multiplier counts while it is open.

As the routers' core/document/cost.lua: both read a provider's account of tokens alike, by one vector file.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from poolkeeper.api.endpoint import Pricing
from poolkeeper.probing.calendar import NO_CALENDARS, Calendars, holds
from poolkeeper.probing.phases import Usage

TOKENS_MAX = 10**12
"""Far more than any answer has."""
_MILLION = Decimal(1_000_000)
_PERCENT = Decimal(100)


def usage_of(account: object) -> Usage | None:
    """The member `usage` of an answer: tokens of the prompt, those of it that came from a cache (by whichever name the
    provider calls them), and tokens that were made, reasoning included. None: it is no account."""
    if not isinstance(account, Mapping):
        return None
    details = account.get("prompt_tokens_details")
    cached = (
        account.get("cached_tokens"),
        account.get("prompt_cache_hit_tokens"),
        details.get("cached_tokens") if isinstance(details, Mapping) else None,
    )
    prompt = _count(account.get("prompt_tokens")) or 0
    hit = next((count for said in cached if (count := _count(said)) is not None), 0)
    return Usage(prompt, _count(account.get("completion_tokens")) or 0, min(hit, prompt))


def cost(pricing: Pricing, usage: Usage, at: datetime, calendars: Calendars = NO_CALENDARS) -> Decimal:
    """calendars: those that its windows name."""
    whole = pricing.input_per_million.decimal
    cached = pricing.cached_input_per_million.decimal if pricing.cached_input_per_million is not None else whole
    parts = (usage.prompt - usage.cached) * whole + usage.cached * cached
    parts += usage.completion * pricing.output_per_million.decimal
    return parts / _MILLION * _multiplier(pricing, at, calendars)


def most(
    pricing: Pricing, body_bytes: int, max_tokens: int, at: datetime, calendars: Calendars = NO_CALENDARS
) -> Decimal:
    """No token is shorter than a byte."""
    return cost(pricing, Usage(body_bytes, max_tokens), at, calendars)


def _count(said: object) -> int | None:
    """Whole tokens; None: it is no number of them. Some servers write 12.0."""
    if not isinstance(said, int | float) or isinstance(said, bool) or not 0 <= said <= TOKENS_MAX:
        return None
    return int(said)


def _multiplier(pricing: Pricing, at: datetime, calendars: Calendars) -> Decimal:
    multiplier = Decimal(1)
    for window in pricing.windows:
        if holds(window, at, calendars):
            multiplier *= window.multiplier_percent / _PERCENT
    return multiplier
