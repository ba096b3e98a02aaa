"""What the operator's metrics say of a pool that is reconciled, and of one that cannot be."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from poolkeeper.errors import RetryLater
from poolkeeper.handlers import dispatch
from poolkeeper.handlers.dispatch import Dispatcher
from poolkeeper.kube.store import Ref
from poolkeeper.telemetry.metrics import Metrics
from scrape import total

POOL = Ref("EndpointPool", "team", "chat")
SERIES = {"namespace": "team", "pool": "chat"}
BEGIN = datetime(2026, 11, 29, 8, tzinfo=UTC)


class Broken:
    """A backend whose every read fails."""

    def __getattr__(self, name: str) -> object:
        async def fail(*_: object) -> None:
            raise RetryLater("the API server is away")

        return fail


def test_the_conditions_of_a_pool_that_cannot_be_reconciled_are_unknown_after_two_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metrics = Metrics()
    metrics.pool_condition("team", "chat", "Ready", "True")
    turns = Dispatcher(Broken(), metrics)  # type: ignore[arg-type]

    def fail_at(at: datetime) -> str:
        monkeypatch.setattr(dispatch, "now", lambda: at)
        with pytest.raises(RetryLater):
            asyncio.run(turns.take(POOL))
        return metrics.text().decode()

    early = fail_at(BEGIN)
    assert total(early, "poolkeeper_pool_condition", type="Ready", **SERIES) == 1
    assert total(early, "poolkeeper_pool_reconcile_failing_since_seconds", **SERIES) == BEGIN.timestamp()

    late = fail_at(BEGIN + timedelta(minutes=3))
    assert total(late, "poolkeeper_pool_condition", type="Ready", **SERIES) == -1
    assert total(late, "poolkeeper_pool_reconcile_failing_since_seconds", **SERIES) == BEGIN.timestamp()
