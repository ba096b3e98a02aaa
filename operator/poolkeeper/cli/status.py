"""`poolkeeper status`: the pools of a cluster, or of the `poolkeeper run`s on this machine."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import yaml
from rich.console import Console
from rich.live import Live

from poolkeeper import clock
from poolkeeper.diagnostics import pool_locator
from poolkeeper.diagnostics.status_table import page
from poolkeeper.local.run_record import PoolRecord

WATCH_INTERVAL_S = 1.0
UNFOLDED_COLUMNS = 500
"""In a file or a pipe no line is folded, so that grep finds everything."""


@click.command(
    epilog="""\b
Examples:
  poolkeeper status                  every pool of the cluster, or of the runs on this machine
  poolkeeper status chat -w          one pool, refreshed every second
  poolkeeper status -o json | jq '.items[].status.summary'
"""
)
@click.argument("pool", required=False)
@click.option("-n", "--namespace", help="Only pools of this namespace.")
@click.option("-w", "--watch", is_flag=True, help="Refresh until Ctrl-C.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="For people, or for programs.",
)
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path),
    help="A `poolkeeper run` with this state folder. Default: any live run, else the cluster.",
)
def status(pool: str | None, namespace: str | None, watch: bool, output: str, state_dir: Path | None) -> None:
    """Show pools, endpoints and breakers: why, and since when.

    POOL is a name, or NAMESPACE/NAME. Default: all pools.
    """

    in_name = (pool or "").rpartition("/")[0]

    def look() -> Sequence[PoolRecord]:
        _, pools = pool_locator.source(in_name or namespace, state_dir)
        return [found.pool for found in pool_locator.chosen(pools(), pool, namespace)]

    if not watch:
        _print(look(), output)
    elif output == "table" and Console().is_terminal:
        _live(look)
    else:
        _follow(look, output)


def _print(pools: Sequence[PoolRecord], output: str) -> None:
    if output == "table":
        screen = Console()
        console = screen if screen.is_terminal else Console(width=UNFOLDED_COLUMNS)
        console.print(page(pools, clock.now()) if pools else "no pools yet")
        return
    items = [pool.model_dump(mode="json", by_alias=True, exclude_none=True) for pool in pools]
    whole = {"apiVersion": "v1", "kind": "List", "items": items}
    click.echo(json.dumps(whole, indent=2) if output == "json" else yaml.safe_dump(whole, sort_keys=False), nl=False)
    click.echo()


def _live(look: Callable[[], Sequence[PoolRecord]]) -> None:
    with Live(auto_refresh=False, screen=False) as live:
        while True:
            live.update(page(look(), clock.now()), refresh=True)
            time.sleep(WATCH_INTERVAL_S)


def _follow(look: Callable[[], Sequence[PoolRecord]], output: str) -> None:
    """Not a terminal: a new document after each change."""
    before: Sequence[PoolRecord] | None = None
    while True:
        now = look()
        if now != before:
            _print(now, output)
            before = now
        time.sleep(WATCH_INTERVAL_S)
