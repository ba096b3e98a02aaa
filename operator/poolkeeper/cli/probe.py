"""`poolkeeper probe`: what the CronJob runs, and the same run by hand, of a `poolkeeper run` here or in a cluster.

A run by hand stores its result in the same place, so that it counts for the status and the routers, too.
"""

import asyncio
import os
import secrets
from pathlib import Path

import click

from poolkeeper.api.probe_result import ProbeResult
from poolkeeper.cli import options
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
In a Pod of the pool's CronJob (the operator creates it):
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
    help="Folder with config/probe.json, and with the folders credentials, ca and samples.",
)
@click.option(
    "--message-file",
    type=click.Path(path_type=Path),
    help="Write the result there as JSON, at most 4 KiB. Default: do not write it.",
)
@click.option("--now", "is_now", is_flag=True, help="Probe POOL now, of a `poolkeeper run` here or of the cluster.")
@click.option("-n", "--namespace", help="With --now: the pool's namespace.")
@click.option("--state-dir", type=click.Path(path_type=Path), help="With --now: the `poolkeeper run` with this folder.")
@options.cluster
@click.argument("pool", required=False, shell_complete=options.pool_names)
def probe(
    root: Path, message_file: Path | None, is_now: bool, namespace: str | None, state_dir: Path | None, pool: str | None
) -> None:
    """Send every endpoint of a pool a real, tagged request or two, and say what users would see.

    It always exits with 0: a bad endpoint is a result, not a failure of the probe.
    """
    if is_now:
        result = _now(pool, namespace, state_dir)
    elif pool or namespace or state_dir:
        raise UserError("POOL, --namespace and --state-dir need --now; a Pod of the probe finds its pool in --files")
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
        raise UserError("this pool has no probe: set spec.probe, not suspended ({} takes all defaults)")
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
        raise UserError("no `poolkeeper run` on this machine; name a pool of the cluster: poolkeeper probe --now POOL")
    if len(alive) > 1:
        names = ", ".join(f"{meta.namespace}/{meta.name}" for _, meta in alive)
        raise UserError(f"this machine serves several pools: {names}; name one")
    return alive[0][0]


async def _in_cluster(key: PoolKey) -> ProbeResult:
    from poolkeeper.kube.client import open_api  # a laptop without a cluster does not pay for its client
    from poolkeeper.kube.probe_job import found, start

    async with open_api() as api:
        job = await start(api, key, secrets.token_hex(3))
        click.echo(f"Job {key.namespace}/{job} has started; waiting for its result", err=True)
        for _ in range(round(LIMIT_S / LOOK_EVERY_S)):
            result = await found(api, key, job)
            if result:
                return result
            await asyncio.sleep(LOOK_EVERY_S)
    raise UserError(f"Job {key.namespace}/{job} has no result after {LIMIT_S:g} s; see kubectl describe job")
