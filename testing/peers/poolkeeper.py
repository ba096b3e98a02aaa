"""Poolkeeper's router with the document that the operator's own code plans from a pool of these upstreams, policy by
default: started by the entrypoint of its image."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

import poolkeeper as package
from poolkeeper import clock
from poolkeeper.api.router_document import RouterDoc
from poolkeeper.local.manifests import load, snapshot_of
from poolkeeper.local.router import router_folder
from poolkeeper.local.settings import settings_for
from poolkeeper.plan.resolve import resolve
from poolkeeper.plan.snapshot import PoolKey
from testing.gateways.process import answers, free_port, running
from testing.peers.peer import HOST, START_LIMIT_S, Peer, Upstream, pinned, worker_of

POOL = "peers"
CONNECTIONS_MAX = 10_000


@contextmanager
def poolkeeper(
    folder: Path,
    upstreams: Sequence[Upstream],
    core: int | None,
    home: Path | None = None,
    model: str = "m",
    manifests: Sequence[Mapping[str, object]] | None = None,
) -> Iterator[Peer]:
    """home: the data plane to start, when it is not the checkout's. manifests: a pool called POOL and its policy, when
    it is not the plain pool of these upstreams."""
    parts = {name: folder / name for name in ("config", "credentials", "clients", "ca", "run")}
    for made in parts.values():
        made.mkdir(parents=True)
    document = planned(folder, manifests or [_pool(upstreams, model)], upstreams)
    (parts["config"] / "router.json").write_text(document.model_dump_json(by_alias=True))
    keys = {upstream.name: upstream.key for upstream in upstreams}
    for endpoint in document.endpoints:
        if endpoint.credential:
            (parts["credentials"] / endpoint.credential.file).write_text(keys[endpoint.name])
    client, admin = free_port(), free_port()
    env = os.environ | {
        "POOLKEEPER_LISTEN": f"{HOST}:{client}",
        "POOLKEEPER_ADMIN": f"{HOST}:{admin}",
        "POOLKEEPER_RUN_DIR": str(parts["run"]),
        "POOLKEEPER_CONFIG_DIR": str(parts["config"]),
        "POOLKEEPER_CREDENTIALS_DIR": str(parts["credentials"]),
        "POOLKEEPER_CLIENTS_DIR": str(parts["clients"]),
        "POOLKEEPER_CA_DIR": str(parts["ca"]),
    }
    command = pinned([str((home or router_folder(os.environ)) / "entrypoint.sh")], core)
    ready = f"http://{HOST}:{admin}/readyz"
    with running(command, env, folder / "router.log", lambda: answers(ready), START_LIMIT_S) as process:
        yield Peer("Poolkeeper", package.__version__, f"http://{HOST}:{client}/v1", worker_of(process.pid))


def planned(folder: Path, manifests: Sequence[Mapping[str, object]], upstreams: Sequence[Upstream]) -> RouterDoc:
    """What the operator would tell the router."""
    path = folder / "pool.yaml"
    path.write_text(yaml.safe_dump_all([*manifests, _secret(upstreams)], sort_keys=False))
    declared = load([path], local=True)
    if declared.findings:
        raise ValueError("\n".join(map(str, declared.findings)))
    plan = resolve(snapshot_of(declared, PoolKey("default", POOL), settings_for(local=True)), clock.now())
    if plan.document is None:
        raise ValueError(f"the pool is held: {plan.hold}")
    return plan.document


def _pool(upstreams: Sequence[Upstream], model: str) -> Mapping[str, object]:
    endpoints = [
        {
            "name": upstream.name,
            "provider": "OpenAI",
            "url": upstream.url,
            "tier": upstream.tier,
            "credentialsRef": {"name": "keys", "key": upstream.name},
            "maxConnections": CONNECTIONS_MAX,
        }
        for upstream in upstreams
    ]
    return _object("EndpointPool", POOL, {"spec": {"models": [model], "endpoints": endpoints}})


def _secret(upstreams: Sequence[Upstream]) -> Mapping[str, object]:
    values = {upstream.name: upstream.key for upstream in upstreams}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": values}


def _object(kind: str, name: str, rest: Mapping[str, object]) -> Mapping[str, object]:
    return {"apiVersion": "poolkeeper.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, **rest}
