"""Poolkeeper under test: a router for each case, because it starts in a fraction of a second; the cases of a series
share theirs."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from testing.conformance.case import MODELS, Case, Policy, Zone
from testing.conformance.stage import Address
from testing.fakes.nameserver import AAAA, A, NameServer
from testing.gateways import gateway
from testing.gateways.gateway import Endpoint, Pool
from testing.gateways.poolkeeper import Poolkeeper


class PoolkeeperUnderTest:
    name = Poolkeeper.name

    def __init__(self) -> None:
        self._gateway = Poolkeeper(failover_policy)
        self._stack = ExitStack()
        self._folder = Path()
        self._number = 0
        self._series = ""
        self._shared = ExitStack()
        self._address: Address | None = None

    def version(self) -> str:
        return self._gateway.version()

    def __enter__(self) -> Self:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-poolkeeper-")))
        return self

    def __exit__(self, *exception: object) -> None:
        self._shared.close()
        self._stack.close()

    def cannot(self, case: Case) -> str:
        return ""

    @contextmanager
    def serve(self, case: Case, endpoints: Sequence[Endpoint]) -> Iterator[Address]:
        if self._address is None or not case.series or case.series != self._series:
            self._shared.close()
            self._series = case.series
            self._address = self._shared.enter_context(self._router(case, endpoints))
        yield self._address
        if not case.series:
            self._shared.close()
            self._address = None

    @contextmanager
    def _router(self, case: Case, endpoints: Sequence[Endpoint]) -> Iterator[Address]:
        self._number += 1
        folder = self._folder / f"{self._number}-{case.name}"
        with ExitStack() as stack:
            port = stack.enter_context(serving(case.zone)).port if case.zone else 0
            pool = Pool(endpoints, case.policy, MODELS, name_server=port)
            folders = [folder, *(folder.with_name(f"{folder.name}-{more}") for more in range(1, case.routers))]
            routers = [stack.enter_context(self._gateway.start(one, pool)) for one in folders]
            first, *others = (router.base_url for router in routers)
            yield Address(first, {model: model for model in MODELS}, replicas=tuple(others))


@contextmanager
def serving(zone: Zone) -> Iterator[NameServer]:
    records = {A: list(zone.a), AAAA: list(zone.aaaa)}
    server = NameServer(records, zone.silent, failing=zone.failing, aliases=zone.aliases)
    try:
        yield server
    finally:
        server.stop()


def failover_policy(policy: gateway.Policy) -> Mapping[str, object]:
    """The spec of the FailoverPolicy: no rate opens a breaker, nothing ramps up, nothing is answered from a cache."""
    if not isinstance(policy, Policy):
        raise TypeError(f"wanted the policy of a case, seen {policy!r}")
    recovery = f"{policy.recovery_timeout_ms}ms"
    return {
        "healthCheck": {"type": policy.health_check, "interval": "200ms", "timeout": "500ms", "unhealthyThreshold": 2},
        "circuitBreaker": {
            "consecutiveFailures": policy.consecutive_failures,
            "minimumRequests": 10_000,
            "recoveryTimeout": recovery,
            "maxRecoveryTimeout": recovery,
            "halfOpenMaxRequests": 1,
        },
        "globalBreaker": {"minimumRequests": 10_000},
        "retry": {
            "maxAttempts": policy.max_attempts,
            "budgetPercent": policy.budget_percent,
            "busyBackoff": [f"{wait}ms" for wait in policy.busy_backoff_ms],
            "tierWait": f"{policy.tier_wait_ms}ms",
        },
        "timeouts": {
            "connect": f"{policy.connect_ms}ms",
            "firstToken": f"{policy.first_token_ms}ms",
            "interToken": f"{policy.inter_token_ms}ms",
            "request": f"{policy.request_ms}ms",
        },
        "streaming": {"recovery": policy.recovery, "wholeAnswers": policy.whole_answers},
        "balancing": {"slowStart": "0s", "affinity": {"mode": policy.affinity}},
        "failback": {"stabilization": "0s"},
        "fallback": {"cacheTTL": "0s"},
    }
