"""The status, written down from what the checks found: conditions, endpoints, and the figures that tables show.

A time moves only when what it stands for does: lastTransitionTime of a condition with its status, that of an endpoint
with its health or breaker. Whatever changes at every look (latencies, counters, retry times) is not in here.
"""

from collections.abc import Mapping
from datetime import datetime

from poolkeeper.api.reasons import POOL_CONDITIONS, ConditionType
from poolkeeper.api.router_reasons import WRONG_MODEL
from poolkeeper.api.status import (
    Condition,
    EffectivePolicy,
    EndingModelStatus,
    EndpointPoolStatus,
    EndpointStatus,
    KeyStatus,
    RouterStatus,
    StandbyStatus,
)
from poolkeeper.plan.child_names import selector_text
from poolkeeper.plan.ending_models import EndingModel
from poolkeeper.status.chain import Finding
from poolkeeper.status.endpoint_fact import EndpointFact
from poolkeeper.status.facts import Facts
from poolkeeper.status.headline import headline

MODELS_LENGTH = 1024
ENDING_SHOWN = 64


def status_of(facts: Facts, findings: Mapping[ConditionType, Finding]) -> EndpointPoolStatus:
    before = facts.snapshot.previous
    counted = len(facts.counted)
    usable = min(counted, before.healthy_endpoints) if before and facts.is_unasked else len(facts.usable)
    return EndpointPoolStatus(
        observed_generation=facts.snapshot.generation,
        headline=headline(facts, findings),
        conditions=tuple(_condition(facts, kind, findings[kind]) for kind in POOL_CONDITIONS),
        endpoints=tuple(_endpoint(facts, endpoint) for endpoint in facts.counted),
        active_tier=facts.active_tier,
        healthy_endpoints=usable,
        total_endpoints=counted,
        summary=f"{usable}/{counted}",
        router=_router(facts),
        effective_policy=_policy(facts),
        models=_models(facts),
        address=facts.snapshot.live.address,
        last_probe=facts.plan.last_probe,
        ending_models=tuple(_ending(one) for one in facts.plan.ending[:ENDING_SHOWN]),
    )


def condition(
    kind: ConditionType, finding: Finding, generation: int, before: Condition | None, now: datetime
) -> Condition:
    changed = before is None or before.status != finding.status
    return Condition(
        type=kind.value,
        status=finding.status,
        reason=finding.reason.value,
        message=finding.message,
        observed_generation=generation,
        last_transition_time=now if before is None or changed else before.last_transition_time,
    )


def _condition(facts: Facts, kind: ConditionType, finding: Finding) -> Condition:
    return condition(kind, finding, facts.snapshot.generation, facts.previous(kind), facts.now)


def _endpoint(facts: Facts, endpoint: EndpointFact) -> EndpointStatus:
    previous = facts.snapshot.previous.endpoints if facts.snapshot.previous else ()
    before = next((one for one in previous if one.name == endpoint.name), None)
    is_ill = endpoint.breaker != "Closed" or endpoint.health != "Healthy" or not endpoint.is_known
    probed = endpoint.probe.reason.value if endpoint.probe.reason else ""
    return EndpointStatus(
        name=endpoint.name,
        tier=endpoint.tier,
        region=endpoint.region,
        health=endpoint.health,
        breaker=endpoint.breaker,
        open_models=endpoint.only_models if endpoint.breaker != "Closed" else (),
        reason=(endpoint.reason if is_ill else "") or probed or (WRONG_MODEL if endpoint.substitutes else ""),
        last_transition_time=_since(facts, endpoint, before),
        keys_left_out=_keys(facts, endpoint, before),
        standby=_standby(facts, before, endpoint.name),
        outage_since=_whole_second(endpoint.outage.since) if endpoint.outage else None,
        recovering_since=endpoint.outage.well_since if endpoint.outage else None,
    )


def _since(facts: Facts, endpoint: EndpointFact, before: EndpointStatus | None) -> datetime:
    """As routers say, unless that is older than what was published: a router does not know since when a key is good."""
    if before and (before.health, before.breaker) == (endpoint.health, endpoint.breaker):
        return before.last_transition_time
    began = before.last_transition_time if before else None
    is_news = endpoint.since is not None and endpoint.since <= facts.now and (began is None or endpoint.since >= began)
    if endpoint.is_known and endpoint.since and is_news:
        return _whole_second(endpoint.since)
    return facts.now


def _keys(facts: Facts, endpoint: EndpointFact, before: EndpointStatus | None) -> tuple[KeyStatus, ...]:
    """As published, where no router says anything now."""
    if facts.is_unasked or not endpoint.is_known:
        return before.keys_left_out if before else ()
    return tuple(
        KeyStatus(
            name=key.ref.name,
            key=key.ref.key,
            reason=key.reason,
            since=_whole_second(key.since) if key.since else None,
        )
        for key in endpoint.keys_left_out
    )


def _standby(facts: Facts, before: EndpointStatus | None, name: str) -> StandbyStatus | None:
    """As published, while nothing is decided about it."""
    found = facts.standbys.get(name)
    if found is None:
        return before.standby if before and facts.plan.document is None else None
    return StandbyStatus(
        state=found.state,
        since=found.since,
        deployment=found.deployment,
        replicas=found.replicas,
        message=found.message,
    )


def _whole_second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _ending(one: EndingModel) -> EndingModelStatus:
    return EndingModelStatus(
        endpoint=one.endpoint,
        model=one.model,
        upstream_name=one.upstream_name,
        valid_until=one.valid_until.isoformat(),
        ended=one.has_ended,
    )


def _router(facts: Facts) -> RouterStatus:
    live, document = facts.snapshot.live, facts.plan.document
    return RouterStatus(
        replicas=live.deployment.replicas if live.deployment else 0,
        ready_replicas=live.deployment.ready_replicas if live.deployment else 0,
        selector=selector_text(facts.snapshot.key),
        config_hash=document.hash if document else live.document_hash,
    )


def _models(facts: Facts) -> str:
    """Of the spec, or as published while it cannot be read."""
    pool, before = facts.snapshot.pool, facts.snapshot.previous
    if pool is None:
        return before.models if before else ""
    text = ", ".join(pool.spec.models)
    return text if len(text) <= MODELS_LENGTH else f"{text[: MODELS_LENGTH - 1]}…"


def _policy(facts: Facts) -> EffectivePolicy | None:
    """Of the configuration that serves: while nothing new is rolled out, the one before."""
    if facts.plan.document is None:
        return facts.snapshot.previous.effective_policy if facts.snapshot.previous else None
    return EffectivePolicy(name=facts.plan.policy_name, generation=facts.plan.policy_generation)
