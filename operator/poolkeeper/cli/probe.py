"""`poolkeeper probe`: what the CronJob runs, and the same by hand."""

import asyncio
from pathlib import Path

import click

from poolkeeper.cli.probenow import probe_now
from poolkeeper.errors import UserError
from poolkeeper.prober.files import Files
from poolkeeper.prober.run import probe_once
from poolkeeper.prober.summary import lines
from poolkeeper.probing.termination_message import encode


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
        result = probe_now(pool, namespace, state_dir)
    elif pool or namespace or state_dir:
        raise UserError("POOL, --namespace and --state-dir go with --now; a Pod of the probe finds its pool in --files")
    else:
        result = asyncio.run(probe_once(Files(root)))
    if message_file:
        message_file.write_bytes(encode(result))
    for line in lines(result):
        click.echo(line)
