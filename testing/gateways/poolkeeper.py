"""Poolkeeper: the manifests that a user would write, planned by the operator's own code, served by the real router.

A router a case, because it starts in a fraction of a second; cases of one series share theirs.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import yaml

import poolkeeper
from poolkeeper import clock
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.local.manifests import load, snapshot_of
from poolkeeper.local.router import router_folder
from poolkeeper.local.settings import settings_for
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import PoolKey
from testing.conformance.case import MODELS, Case, Policy
from testing.conformance.judge import Endpoint
from testing.conformance.stage import Address
from testing.fakes.tls import unused_authority
from testing.gateways.process import answers, free_port, running

START_LIMIT_S = 20.0
HOST = "127.0.0.1"


class Poolkeeper:
    name = "Poolkeeper"

    def __init__(self) -> None:
        self.version = poolkeeper.__version__
        self._stack = ExitStack()
        self._folder = Path()
        self._number = 0
        self._series = ""
        self._shared = ExitStack()
        self._address: Address | None = None

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
        config, credentials = folder / "config", folder / "credentials"
        for made in (config, credentials, folder / "clients", folder / "ca"):
            made.mkdir(parents=True)
        document = _document(folder, case.policy, endpoints)
        (config / "router.json").write_text(document.model_dump_json(by_alias=True))
        keys = {endpoint.name: endpoint.key for endpoint in endpoints}
        for endpoint in document.endpoints:
            if endpoint.credential:
                (credentials / endpoint.credential.file).write_text(keys[endpoint.name])
        client, admin = free_port(), free_port()
        env = os.environ | {
            "POOLKEEPER_LISTEN": f"{HOST}:{client}",
            "POOLKEEPER_ADMIN": f"{HOST}:{admin}",
            "POOLKEEPER_RUN_DIR": str(folder / "run"),
            "POOLKEEPER_CONFIG_DIR": str(config),
            "POOLKEEPER_CREDENTIALS_DIR": str(credentials),
            "POOLKEEPER_CLIENTS_DIR": str(folder / "clients"),
            "POOLKEEPER_CA_DIR": str(folder / "ca"),
            "SSL_CERT_FILE": str(unused_authority()),  # nginx takes longer to read the system's than for all the rest
        }
        command = [str(router_folder(os.environ) / "entrypoint.sh")]
        readyz = f"http://{HOST}:{admin}/readyz"
        with running(command, env, folder / "router.log", lambda: answers(readyz), START_LIMIT_S):
            yield Address(f"http://{HOST}:{client}/v1", {model: model for model in MODELS})


def _document(folder: Path, policy: Policy, endpoints: Sequence[Endpoint]) -> RouterDoc:
    manifests = folder / "pool.yaml"
    manifests.write_text(yaml.safe_dump_all([_pool(endpoints), _policy(policy), _secret(endpoints)]))
    declared = load([manifests], local=True)
    if declared.findings:
        raise ValueError("\n".join(map(str, declared.findings)))
    plan = resolve(snapshot_of(declared, PoolKey("default", "conformance"), settings_for(local=True)), clock.now())
    if plan.document is None:
        raise ValueError(f"the pool is held: {plan.hold}")
    return plan.document


def _pool(endpoints: Sequence[Endpoint]) -> Mapping[str, object]:
    spec = {
        "models": list(MODELS),
        "failoverPolicyRef": {"name": "conformance"},
        "endpoints": [_endpoint(endpoint) for endpoint in endpoints],
    }
    return _object("EndpointPool", "conformance", {"spec": spec})


def _endpoint(endpoint: Endpoint) -> Mapping[str, object]:
    return {
        "name": endpoint.name,
        "provider": endpoint.dialect,
        "url": endpoint.url,
        "tier": endpoint.tier,
        "models": [{"name": name, "upstreamName": upstream} for name, upstream in endpoint.models.items()],
        "credentialsRef": {"name": "keys", "key": endpoint.name},
        "capabilities": list(endpoint.capabilities),
        "maxConnections": endpoint.max_connections,
    }


def _policy(policy: Policy) -> Mapping[str, object]:
    recovery = f"{policy.recovery_timeout_ms}ms"
    spec = {
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
        "streaming": {"recovery": policy.recovery},
        "balancing": {"slowStart": "0s"},
        "failback": {"stabilization": "0s"},
        "fallback": {"cacheTTL": "0s"},
    }
    return _object("FailoverPolicy", "conformance", {"spec": spec})


def _secret(endpoints: Sequence[Endpoint]) -> Mapping[str, object]:
    values = {endpoint.name: endpoint.key for endpoint in endpoints}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": values}


def _object(kind: str, name: str, rest: Mapping[str, object]) -> Mapping[str, object]:
    return {"apiVersion": "poolkeeper.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, **rest}
