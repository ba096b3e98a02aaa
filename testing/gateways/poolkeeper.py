"""Poolkeeper's router: the manifests that a user would write, planned by the operator's own code, served by the
entrypoint of the router's image."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import yaml

import poolkeeper
from poolkeeper import clock
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.local.manifests import load, snapshot_of
from poolkeeper.local.router import router_folder
from poolkeeper.local.settings import settings_for
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import PoolKey
from testing.fakes.tls import unused_authority
from testing.gateways.gateway import HOST, START_LIMIT_S, Endpoint, Policy, Pool, Running
from testing.process import answers, free_port, pinned, running, worker_of

NAME = "pool"
FOLDERS = ("config", "credentials", "clients", "ca", "run")
Spec = Mapping[str, object]


def product_defaults(policy: Policy) -> Spec:
    return {}


class Poolkeeper:
    """failover_policy: the spec of the FailoverPolicy for a policy; by default an empty one."""

    name = "Poolkeeper"

    def __init__(self, failover_policy: Callable[[Policy], Spec] = product_defaults) -> None:
        self._failover_policy = failover_policy

    def version(self) -> str:
        return poolkeeper.__version__

    @contextmanager
    def start(self, folder: Path, pool: Pool, core: int | None = None) -> Iterator[Running]:
        folders = {name: folder / name for name in FOLDERS}
        for made in folders.values():
            made.mkdir(parents=True)
        document = planned(folder / "pool.yaml", manifests(pool, self._failover_policy(pool.policy)))
        (folders["config"] / "router.json").write_text(document.model_dump_json(by_alias=True))
        keys = {endpoint.name: endpoint.key for endpoint in pool.endpoints}
        for endpoint in document.endpoints:
            if endpoint.credential:
                (folders["credentials"] / endpoint.credential.file).write_text(keys[endpoint.name])
        client, admin = free_port(), free_port()
        env = os.environ | {
            "POOLKEEPER_LISTEN": f"{HOST}:{client}",
            "POOLKEEPER_ADMIN": f"{HOST}:{admin}",
            **{f"POOLKEEPER_{name.upper()}_DIR": str(made) for name, made in folders.items()},
            "SSL_CERT_FILE": str(unused_authority()),  # nginx takes longer to read the system's than for all the rest
            **_names(folder, pool.name_server),
        }
        command = pinned([str(router_folder(os.environ) / "entrypoint.sh")], core)
        ready, log = f"http://{HOST}:{admin}/readyz", folder / "router.log"
        with running(command, env, log, lambda: answers(ready), START_LIMIT_S) as process:
            yield Running(f"http://{HOST}:{client}/v1", worker_of(process.pid), admin_url=f"http://{HOST}:{admin}")


def _names(folder: Path, port: int) -> Mapping[str, str]:
    """Who is asked for addresses."""
    if not port:
        return {}
    (folder / "resolv.conf").write_text(f"nameserver {HOST}:{port}\n")
    (folder / "hosts").write_text(f"{HOST} localhost\n")
    return {"POOLKEEPER_RESOLV_CONF": str(folder / "resolv.conf"), "POOLKEEPER_HOSTS": str(folder / "hosts")}


def planned(path: Path, objects: list[Mapping[str, object]]) -> RouterDoc:
    """The document that the operator would give the router."""
    path.write_text(yaml.safe_dump_all(objects, sort_keys=False))
    declared = load([path], local=True)
    if declared.findings:
        raise ValueError("\n".join(map(str, declared.findings)))
    plan = resolve(snapshot_of(declared, PoolKey("default", NAME), settings_for(local=True)), clock.now())
    if plan.document is None:
        raise ValueError(f"the pool is held: {plan.hold}")
    return plan.document


def manifests(pool: Pool, failover_policy: Spec) -> list[Mapping[str, object]]:
    keys = {endpoint.name: endpoint.key for endpoint in pool.endpoints}
    spec = {
        "models": list(pool.models),
        "failoverPolicyRef": {"name": "policy"},
        "endpoints": [_endpoint(endpoint, pool.models) for endpoint in pool.endpoints],
    }
    return [
        _object("EndpointPool", NAME, spec),
        _object("FailoverPolicy", "policy", failover_policy),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": keys},
    ]


def _endpoint(endpoint: Endpoint, models: tuple[str, ...]) -> Spec:
    spec: dict[str, object] = {
        "name": endpoint.name,
        "provider": endpoint.dialect,
        "url": endpoint.url,
        "tier": endpoint.tier,
        "credentialsRef": {"name": "keys", "key": endpoint.name},
        "capabilities": list(endpoint.capabilities),
        "maxConnections": endpoint.max_connections,
    }
    if dict(endpoint.models) != {model: model for model in models}:
        spec["models"] = [{"name": name, "upstreamName": upstream} for name, upstream in endpoint.models.items()]
    if urlsplit(endpoint.url).scheme == "http" and not endpoint.url.startswith(f"http://{HOST}"):
        spec["insecure"] = True
    if endpoint.base_latency_ms:
        spec["baseLatency"] = f"{endpoint.base_latency_ms}ms"
    return spec


def _object(kind: str, name: str, spec: Spec) -> Mapping[str, object]:
    return {"apiVersion": "poolkeeper.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
