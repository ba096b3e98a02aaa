"""The document a probe runs on (probe.json): whom to ask, how often, and what may be spent. Written by the operator.

Everything in it is resolved, as in router.json: addresses, file names, milliseconds. The prober, which may be of
another version during a roll-out, refuses what it does not know.
"""

from datetime import date, datetime
from typing import Literal

from poolkeeper.api.endpoint import Pricing, Provider
from poolkeeper.api.meta import Model
from poolkeeper.api.routerdoc import Credential, ModelRoute, Tls


class ProxyDoc(Model):
    """An HTTP proxy: CONNECT for https, forwarding for http."""

    host: str
    port: int


class ProbedEndpointDoc(Model):
    """One endpoint to probe. print: the start of its fingerprint, so that a result is not taken for another's."""

    name: str
    print: str
    provider: Provider
    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    tls: Tls | None = None
    credential: Credential | None = None
    proxy: ProxyDoc | None = None
    models: tuple[ModelRoute, ...]
    pricing: Pricing | None = None


class Amount(Model):
    """Money as a decimal in text: floating point must not touch it."""

    currency: str
    amount: str


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
    endpoints: tuple[ProbedEndpointDoc, ...]
