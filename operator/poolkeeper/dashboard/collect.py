"""One look at the pools for the dashboard: what `poolkeeper status` and `poolkeeper explain` gather and say, of every
endpoint."""

from collections.abc import Callable, Sequence
from datetime import datetime

from poolkeeper.api.status import EndpointStatus
from poolkeeper.dashboard.facts import EndpointWords, PoolFacts, Told
from poolkeeper.diagnostics import pool_locator
from poolkeeper.diagnostics.advice import advice, cause, comes_back
from poolkeeper.diagnostics.collect import gather
from poolkeeper.diagnostics.endpoint_facts import Facts, Seen, facts_of
from poolkeeper.diagnostics.pool_changes import ChangeReader, Changes
from poolkeeper.diagnostics.pool_locator import Target
from poolkeeper.status.fault_words import page_of


def look(
    pools: Callable[[], Sequence[Target]], reader: ChangeReader, pool: str | None, namespace: str | None
) -> tuple[PoolFacts, ...]:
    return tuple(
        _facts(found, gather(found, with_metrics=True), reader.of(found), reader.now())
        for found in pool_locator.chosen(pools(), pool, namespace)
    )


def _facts(found: Target, seen: Seen, changes: Changes, now: datetime) -> PoolFacts:
    status = found.pool.status
    return PoolFacts(
        name=found.name,
        status=status,
        routers=seen.routers,
        metrics=seen.metrics,
        words={one.name: _words(one, facts_of(found.name, status, one, seen), now) for one in status.endpoints},
        changed=tuple(changes.changes),
        notes=(*seen.notes, *changes.notes),
    )


def _words(endpoint: EndpointStatus, facts: Facts, now: datetime) -> EndpointWords:
    told = tuple(Told(word, advice(word, facts), page_of(cause(word, facts))) for word in facts.reasons)
    return EndpointWords(told, comes_back(facts, now) if told or endpoint.breaker != "Closed" else ())
