"""The one document that the page draws: everything in it is decided, the page only lays it out.

Times are absolute, so that the page can go on counting while nobody answers it.
"""

from collections.abc import Mapping
from datetime import datetime

from poolkeeper.api.base import Model
from poolkeeper.api.pool_change import ChangeKind
from poolkeeper.api.reasons import ConditionStatus
from poolkeeper.api.router_state import Breaker, Health
from poolkeeper.dashboard.hour import State
from poolkeeper.diagnostics.level import Level


class ConditionDoc(Model):
    """says: the answer in words. runbook: the name of the page; "" where there is none."""

    type: str
    status: ConditionStatus
    says: str
    is_good: bool
    reason: str
    meaning: str
    message: str
    since: datetime
    runbook: str


class TierDoc(Model):
    """usable: of its endpoints, how many may be used. share_percent: of the pool's requests in the last minutes; None
    when there were none."""

    tier: int
    is_active: bool
    endpoints: int
    usable: int
    in_flight: int
    limit: int
    share_percent: int | None


class StepDoc(Model):
    requests: int
    failed: int
    p50_ms: int | None


class MinuteDoc(Model):
    """state: the worst in this minute. limited: 429; server_errors: 5xx and answers that say busy; other_errors: all
    other failed attempts. cost: by currency."""

    state: State
    requests: int
    limited: int
    server_errors: int
    other_errors: int
    p50_ms: int | None
    p90_ms: int | None
    p99_ms: int | None
    cost: Mapping[str, float]


class ToldDoc(Model):
    word: str
    meaning: str
    advice: str
    runbook: str


class ModelDoc(Model):
    """A model whose breaker is not closed at a router."""

    name: str
    breaker: Breaker
    reason: str


class ViewDoc(Model):
    """The view of a router that sees a problem. An endpoint with only a short backoff is healthy in the status."""

    router: str
    health: Health
    breaker: Breaker
    reason: str
    retry_at: datetime | None
    models: tuple[ModelDoc, ...]


class SpanDoc(Model):
    """A time in which a breaker was not closed. routers: how many said so. why: what opened it."""

    begins: datetime
    ends: datetime
    state: Breaker
    routers: int
    why: str


class TierSpanDoc(Model):
    """tier: the one that served; None: none did."""

    begins: datetime
    ends: datetime
    tier: int | None


class EndpointDoc(Model):
    """weight: over the routers in the middle. latest_ms: the smoothed time to first token that routers weigh by.
    p50_ms, p99_ms, requests, failed: of the last minutes."""

    name: str
    tier: int
    region: str
    health: Health
    breaker: Breaker
    reason: str
    since: datetime
    outage_since: datetime | None
    is_recovering: bool
    is_usable: bool
    weight: float | None
    in_flight: int
    limit: int
    share_percent: int | None
    requests: int
    failed: int
    p50_ms: int | None
    p99_ms: int | None
    latest_ms: int | None
    steps: tuple[StepDoc | None, ...]
    hour: tuple[MinuteDoc | None, ...]
    spans: tuple[SpanDoc, ...]
    told: tuple[ToldDoc, ...]
    comes_back: tuple[str, ...]
    views: tuple[ViewDoc, ...]


class ChangeDoc(Model):
    """One change; of a breaker or of health in words that go on after the endpoint's name. models: those that it is
    about; none: it is about no model. by: the routers that report it, or who did it."""

    at: datetime
    kind: ChangeKind
    endpoint: str
    models: tuple[str, ...]
    message: str
    by: tuple[str, ...]
    is_warning: bool


class PoolDoc(Model):
    """headline: the pool in one line. troubles: the conditions that are not as they should be, the worst first."""

    name: str
    level: Level
    headline: str
    hour_began: datetime
    tier_spans: tuple[TierSpanDoc, ...]
    active_tier: int | None
    summary: str
    address: str
    routers: int
    unserved_models: tuple[str, ...]
    conditions: tuple[ConditionDoc, ...]
    troubles: tuple[ConditionDoc, ...]
    tiers: tuple[TierDoc, ...]
    endpoints: tuple[EndpointDoc, ...]
    changes: tuple[ChangeDoc, ...]
    notes: tuple[str, ...]


class Document(Model):
    """seen_at: when the pools were last looked at with success. trouble: why the last look failed; "": it did not."""

    source: str
    now: datetime
    seen_at: datetime
    is_stale: bool
    trouble: str
    pools: tuple[PoolDoc, ...]
