"""`poolkeeper probe --now`: a run out of turn, of a `poolkeeper run` on this machine or of a pool in the cluster.

Either way the result is left where results are left, so that status and routers learn from it too.
"""

import asyncio
import os
import secrets
from pathlib import Path

import click

from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.diagnostics import pool_locator
from poolkeeper.errors import UserError
from poolkeeper.local import probe_results, run_record
from poolkeeper.local import state_dir as statedir
from poolkeeper.local.state_dir import StateDir
from poolkeeper.plan.snapshot import PoolKey
from poolkeeper.prober.files import DOCUMENT, Files
from poolkeeper.prober.run import probe_once
from poolkeeper.probing.termination_message import encode

LOOK_EVERY_S = 1.0
LIMIT_S = 900.0
"""Longer than a Job may take, for a slow start of its Pod."""


def probe_now(pool: str | None, namespace: str | None, state_dir: Path | None) -> ProbeResult:
    """pool: a name, or NAMESPACE/NAME; None: the only one of this machine."""
    if pool is None:
        state = _only_run(namespace, state_dir)
    else:
        found = pool_locator.find(pool, namespace, state_dir)
        if found.state is None:
            return asyncio.run(_in_cluster(PoolKey(found.pool.metadata.namespace, found.pool.metadata.name)))
        state = found.state
    if not (state.probe / "config" / DOCUMENT).is_file():
        raise UserError("this pool is not probed: give it a spec.probe that is not suspended ({} takes all defaults)")
    result = asyncio.run(probe_once(Files(state.probe)))
    probe_results.leave(state, encode(result))
    return result


def _only_run(namespace: str | None, state_dir: Path | None) -> StateDir:
    if state_dir:
        if not statedir.is_held(StateDir(state_dir)):
            raise UserError(f"no `poolkeeper run` uses {state_dir}")
        return StateDir(state_dir)
    known = [(state, found.pool.metadata) for state in statedir.active(os.environ) if (found := run_record.read(state))]
    alive = [(state, meta) for state, meta in known if namespace in (None, meta.namespace)]
    if not alive:
        raise UserError("no `poolkeeper run` is alive here; name a pool of the cluster: poolkeeper probe --now POOL")
    if len(alive) > 1:
        names = ", ".join(f"{meta.namespace}/{meta.name}" for _, meta in alive)
        raise UserError(f"several pools are served here: {names}; name one")
    return alive[0][0]


async def _in_cluster(key: PoolKey) -> ProbeResult:
    from poolkeeper.kube.client import KubeApi, find_cluster  # a laptop without a cluster does not pay for its client
    from poolkeeper.kube.probe_job import found, start

    cluster = await find_cluster()
    api = KubeApi(cluster.client(), wrote=lambda kind, verb: None)
    try:
        job = await start(api, key, secrets.token_hex(3))
        click.echo(f"Job {key.namespace}/{job} is started; its result is awaited", err=True)
        for _ in range(round(LIMIT_S / LOOK_EVERY_S)):
            result = await found(api, key, job)
            if result:
                return result
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        await api.close()
    raise UserError(f"Job {key.namespace}/{job} has no result after {LIMIT_S:g} s; kubectl describe it")
