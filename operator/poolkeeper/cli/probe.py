"""`poolkeeper probe`: what the CronJob runs, and the same by hand, for a `poolkeeper run` here or the cluster's pools.

By hand, too, the result is left where results are left, so that status and routers learn from it.
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
from poolkeeper.prober.summary import lines
from poolkeeper.probing.termination_message import encode

LOOK_EVERY_S = 1.0
LIMIT_S = 900.0
"""Longer than a Job may take, for a slow start of its Pod."""


@click.command(
    context_settings={"show_default": True},
    epilog="""\b
In a Pod of the pool's CronJob (the operator makes it):
  poolkeeper probe --message-file /dev/termination-log
By hand:
  poolkeeper probe --now                 the pool that `poolkeeper run` serves here
  poolkeeper probe --now team/chat       a pool of the cluster: starts a Job from its CronJob, and waits for it
""",
)
@click.option(
    "--files",
    "root",
    type=click.Path(path_type=Path),
    default=Path("/etc/poolkeeper"),
    help="Folder with config/probe.json, and credentials, ca and samples beside it.",
)
@click.option(
    "--message-file",
    type=click.Path(path_type=Path),
    help="Where the result goes as JSON, at most 4 KiB. Else: nowhere.",
)
@click.option(
    "--now", "is_now", is_flag=True, help="Probe POOL out of turn: a `poolkeeper run` here, or in the cluster."
)
@click.option("-n", "--namespace", help="With --now: the pool's namespace.")
@click.option("--state-dir", type=click.Path(path_type=Path), help="With --now: the `poolkeeper run` with this folder.")
@click.argument("pool", required=False)
def probe(
    root: Path, message_file: Path | None, is_now: bool, namespace: str | None, state_dir: Path | None, pool: str | None
) -> None:
    """Ask every endpoint of a pool a real, tagged question or two, and say what users would feel.

    It exits with 0 whatever it finds: a bad endpoint is a result, not a failure of the probe.
    """
    if is_now:
        result = _now(pool, namespace, state_dir)
    elif pool or namespace or state_dir:
        raise UserError("POOL, --namespace and --state-dir go with --now; a Pod of the probe finds its pool in --files")
    else:
        result = asyncio.run(probe_once(Files(root)))
    if message_file:
        message_file.write_bytes(encode(result))
    for line in lines(result):
        click.echo(line)


def _now(pool: str | None, namespace: str | None, state_dir: Path | None) -> ProbeResult:
    """Out of turn. pool: a name, or NAMESPACE/NAME; None: the only one of this machine."""
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
