"""What of the routers' reports a decision would notice: everything but the numbers that move with every request."""

from collections.abc import Hashable, Sequence
from datetime import datetime

from poolkeeper.api.router_reasons import AT_REST
from poolkeeper.api.router_state import EndpointState, RouterState
from poolkeeper.plan.snapshot import RouterReport


def meaning(reports: Sequence[RouterReport], now: datetime) -> Hashable:
    """At a time, because a report that nobody renews turns stale."""
    return frozenset((report.pod, _state(state)) for report in reports if (state := report.fresh(now)))


def _state(state: RouterState) -> Hashable:
    return (
        state.generation,
        state.config_hash,
        state.ready,
        state.active_tier,
        state.failback,
        state.global_.breaker,
        state.config.refused,
        max((transition.sequence for transition in state.transitions), default=0),
        tuple(_endpoint(endpoint) for endpoint in state.endpoints),
    )


def _endpoint(endpoint: EndpointState) -> Hashable:
    models = tuple(
        (model.name, model.breaker, model.reason, model.answered_by, model.notice) for model in endpoint.models
    )
    keys = tuple((key.file, key.reason) for key in endpoint.keys if key.reason not in AT_REST)
    seen = (endpoint.name, endpoint.tier, endpoint.health, endpoint.breaker, endpoint.reason, endpoint.since)
    return (*seen, endpoint.is_awaited, models, keys)
