"""One pool for the page, from what a look has found and what the last minutes were like. Pure.

Health, breaker and reason are the status's, as `poolkeeper status` and `poolkeeper explain` have them: one truth,
merged by one rule. Routers add what changes by the second.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from statistics import median
from types import MappingProxyType

from poolkeeper.api.reasons import GOOD, ConditionType, meaning, runbook
from poolkeeper.api.router_reasons import BY_BREAKER, word
from poolkeeper.api.status import Condition, EndpointStatus
from poolkeeper.dashboard.change_list import change_docs
from poolkeeper.dashboard.facts import EndpointWords, PoolFacts, Told
from poolkeeper.dashboard.history import PoolHistory
from poolkeeper.dashboard.hour import began
from poolkeeper.dashboard.minute_view import minute_doc
from poolkeeper.dashboard.timeline import breaker_spans, tier_spans
from poolkeeper.dashboard.view_model import (
    ConditionDoc,
    EndpointDoc,
    ModelDoc,
    PoolDoc,
    SpanDoc,
    StepDoc,
    TierDoc,
    TierSpanDoc,
    ToldDoc,
    ViewDoc,
)
from poolkeeper.diagnostics.counts import Counts, quantile_ms
from poolkeeper.diagnostics.level import level
from poolkeeper.status.merge_replicas import unserved_models

BY_GRAVITY = (
    "Available",
    "FailoverActive",
    "Degraded",
    "Ready",
    "Accepted",
    "ResolvedRefs",
    "Programmed",
    "Stalled",
    "Reconciling",
)
SAYS: Mapping[ConditionType, tuple[str, str, str]] = MappingProxyType(
    {
        ConditionType.Accepted: ("spec accepted", "spec refused", "whether the spec is accepted"),
        ConditionType.ResolvedRefs: ("references found", "references missing", "whether references exist"),
        ConditionType.Programmed: ("routers up to date", "routers not up to date", "what routers run"),
        ConditionType.Available: ("available", "not available", "availability"),
        ConditionType.Degraded: ("needs attention", "nothing to repair", "whether something is broken"),
        ConditionType.FailoverActive: ("failed over", "first tier serves", "which tier serves"),
        ConditionType.Ready: ("set up", "not set up", "whether it is set up"),
        ConditionType.Reconciling: (
            "being brought up to date",
            "no change in progress",
            "whether a change is in progress",
        ),
        ConditionType.Stalled: (
            "waits for you to correct it",
            "nothing to correct",
            "whether something must be corrected",
        ),
    }
)
"""What a condition says in words: True, False, and what is not known."""
_GOOD = {kind.value: status for kind, status in GOOD.items()}


def pool_doc(facts: PoolFacts, history: PoolHistory, now: datetime) -> PoolDoc:
    status = facts.status
    requests = sum(history.of(one.name).attempts for one in status.endpoints)
    ordered = sorted(status.endpoints, key=lambda one: (one.tier, one.name))
    endpoints = tuple(_endpoint(one, facts, history, requests, now) for one in ordered)
    conditions = tuple(map(_condition, status.conditions))
    troubles = _troubles(conditions)
    return PoolDoc(
        name=facts.name,
        level=level(status),
        headline=status.headline,
        hour_began=began(now),
        tier_spans=tuple(
            TierSpanDoc(begins=one.begins, ends=one.ends, tier=one.tier)
            for one in tier_spans(history.past, began(now), now)
        ),
        active_tier=status.active_tier,
        summary=status.summary,
        address=status.address,
        routers=len(facts.routers),
        unserved_models=unserved_models(facts.routers.values()) if facts.routers else (),
        conditions=conditions,
        troubles=troubles,
        tiers=tuple(_tier(tier, endpoints, status.active_tier) for tier in sorted({one.tier for one in endpoints})),
        endpoints=endpoints,
        changes=change_docs(history.past, facts, now),
        notes=facts.notes,
    )


def _condition(condition: Condition) -> ConditionDoc:
    return ConditionDoc(
        type=condition.type,
        status=condition.status,
        says=_says(condition),
        is_good=condition.status == _GOOD.get(condition.type, condition.status),
        reason=condition.reason,
        meaning=meaning(condition.reason),
        message=condition.message,
        since=condition.last_transition_time,
        runbook=_page(condition.reason),
    )


def _says(condition: Condition) -> str:
    kind = ConditionType.__members__.get(condition.type)
    words = SAYS.get(kind) if kind else None
    if words is None:
        return f"{condition.type} {condition.status}"
    return {"True": words[0], "False": words[1], "Unknown": f"{words[2]} not known"}[condition.status]


def _troubles(conditions: tuple[ConditionDoc, ...]) -> tuple[ConditionDoc, ...]:
    """Ready only repeats what another condition says."""
    wrong = [one for one in conditions if not one.is_good]
    own = [one for one in wrong if one.type != ConditionType.Ready] or wrong
    return tuple(sorted(own, key=lambda one: BY_GRAVITY.index(one.type) if one.type in BY_GRAVITY else len(BY_GRAVITY)))


def _tier(tier: int, endpoints: tuple[EndpointDoc, ...], active: int | None) -> TierDoc:
    mine = [one for one in endpoints if one.tier == tier]
    shares = [one.share_percent for one in mine if one.share_percent is not None]
    return TierDoc(
        tier=tier,
        is_active=tier == active,
        endpoints=len(mine),
        usable=sum(one.is_usable for one in mine),
        in_flight=sum(one.in_flight for one in mine),
        limit=sum(one.limit for one in mine),
        share_percent=min(100, sum(shares)) if shares else None,
    )


def _endpoint(
    one: EndpointStatus, facts: PoolFacts, history: PoolHistory, requests: float, now: datetime
) -> EndpointDoc:
    views = [found for state in facts.routers.values() for found in state.endpoints if found.name == one.name]
    lately = history.of(one.name)
    words = facts.words.get(one.name, EndpointWords())
    latest_ms = [view.ttft_ms for view in views if view.ttft_ms is not None]
    return EndpointDoc(
        name=one.name,
        tier=one.tier,
        region=one.region,
        health=one.health,
        breaker=one.breaker,
        reason=one.reason,
        since=one.last_transition_time,
        outage_since=one.outage_since,
        is_recovering=one.recovering_since is not None,
        is_usable=one.health == "Healthy" and one.breaker == "Closed",
        weight=round(median(view.weight for view in views), 1) if views else None,
        in_flight=sum(view.in_flight for view in views),
        limit=sum(view.limit or view.max_connections for view in views),
        share_percent=round(100 * lately.attempts / requests) if requests else None,
        requests=round(lately.attempts),
        failed=round(lately.failed),
        p50_ms=quantile_ms(lately.first_token, 0.5),
        p99_ms=quantile_ms(lately.first_token, 0.99),
        latest_ms=round(median(latest_ms)) if latest_ms else None,
        steps=tuple(map(_step, history.steps(one.name, now))),
        hour=tuple(minute and minute_doc(minute) for minute in history.hour.of(one.name, now)),
        spans=tuple(_spans(one, facts, history, now)),
        told=tuple(map(_told, words.told)),
        comes_back=words.comes_back,
        views=tuple(_views(one.name, facts)),
    )


def _spans(one: EndpointStatus, facts: PoolFacts, history: PoolHistory, now: datetime) -> Iterable[SpanDoc]:
    for span in breaker_spans(one.name, history.past, facts.routers, one.outage_since, began(now), now):
        yield SpanDoc(begins=span.begins, ends=span.ends, state=span.state, routers=span.routers, why=span.why)


def _step(counts: Counts | None) -> StepDoc | None:
    if counts is None:
        return None
    return StepDoc(
        requests=round(counts.attempts), failed=round(counts.failed), p50_ms=quantile_ms(counts.first_token, 0.5)
    )


def _told(told: Told) -> ToldDoc:
    return ToldDoc(word=told.word, meaning=meaning(told.page), advice=told.advice, runbook=_page(told.page))


def _views(endpoint: str, facts: PoolFacts) -> Iterable[ViewDoc]:
    for router, state in sorted(facts.routers.items()):
        for view in state.endpoints:
            if view.name == endpoint and (view.health == "Unhealthy" or view.breaker != "Closed"):
                yield ViewDoc(
                    router=router,
                    health=view.health,
                    breaker=view.breaker,
                    reason="" if view.reason in BY_BREAKER else word(view.reason),
                    retry_at=view.retry_at,
                    models=tuple(
                        ModelDoc(name=model.name, breaker=model.breaker, reason=word(model.reason))
                        for model in view.models
                        if model.breaker != "Closed"
                    ),
                )


def _page(reason: str) -> str:
    return reason if runbook(reason) else ""
