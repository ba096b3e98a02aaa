"""The document a probe runs on (probe.json): whom to ask, how often, and what may be spent. Written by the operator.

Everything in it is resolved, as in router.json: addresses, file names, milliseconds. The prober, which may be of
another version during a roll-out, refuses what it does not know.
"""

from datetime import date, datetime
from typing import Literal

from poolkeeper.api.base import Model
from poolkeeper.api.endpoint import Pricing, Provider
from poolkeeper.api.router_document import CalendarDoc, Credential, EgressProxy, ModelRoute, Tls
from poolkeeper.api.value_types import Currency, Money


class ProbedEndpointDoc(Model):
    """One endpoint to probe. fingerprint: the start of its fingerprint, so that a result is not taken for another's."""

    name: str
    fingerprint: str
    provider: Provider
    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    tls: Tls | None = None
    credential: Credential | None = None
    credentials: tuple[Credential, ...] = ()
    egress_proxy: EgressProxy | None = None
    models: tuple[ModelRoute, ...]
    pricing: Pricing | None = None


class Amount(Model):
    """An amount of money in one currency."""

    currency: Currency
    """Three capital letters, such as USD."""
    amount: Money
    """A decimal as text, so that no floating point rounds it."""


class SpentDoc(Model):
    """What probing has cost on this day (UTC), by all runs up to as_of. Runs that were due since are taken to have cost
    as much as a run may: the operator may not have been there to add them up."""

    day: date
    as_of: datetime
    amounts: tuple[Amount, ...] = ()


class ProbeDoc(Model):
    """The whole document. has_samples: the user's file is mounted (when it exists)."""

    format: Literal[1] = 1
    pool: str
    schedule: str
    allow_loopback: bool = False
    requests_per_run: int
    max_tokens: int
    first_token_ms: int
    min_tokens_per_second: int
    daily_budget: str
    spent: SpentDoc | None = None
    calendars: tuple[CalendarDoc, ...] = ()
    endpoints: tuple[ProbedEndpointDoc, ...]
