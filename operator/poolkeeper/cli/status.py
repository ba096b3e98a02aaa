"""`poolkeeper status`: the pools of a cluster, or of the `poolkeeper run`s on this machine."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import yaml
from rich.console import Console

from poolkeeper import clock
from poolkeeper.cli import live_screen, options
from poolkeeper.diagnostics import pool_locator
from poolkeeper.diagnostics.level import EXIT_CODES, level, worst
from poolkeeper.diagnostics.status_table import page
from poolkeeper.local.run_record import PoolRecord

UNFOLDED_COLUMNS = 500
"""In a file or a pipe no line is folded, so that grep finds everything."""


@click.command(
    epilog="""\b
Examples:
  poolkeeper status                  every pool of the runs on this machine, or of the cluster
  poolkeeper status chat -w          one pool, as a screen that stays up to date
  poolkeeper status -o json | jq '.items[].status.headline'
  poolkeeper status chat --exit-code > /dev/null || echo "look at the pool"
"""
)
@click.argument("pool", required=False, shell_complete=options.pool_names)
@options.cluster
@options.all_namespaces
@click.option("-n", "--namespace", help="Only pools of this namespace.")
@click.option("-w", "--watch", is_flag=True, help="Stay up to date until Ctrl-C.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json", "yaml"]),
    default="table",
    show_default=True,
    help="For people (wide: with models, policy and routers), or for programs.",
)
@click.option(
    "--exit-code",
    "wants_code",
    is_flag=True,
    help="Say by the exit code how the worst pool is: 0 well, 3 needs a look, 4 not known, 5 not available.",
)
@options.state_dir()
@click.pass_context
def status(
    context: click.Context,
    pool: str | None,
    namespace: str | None,
    watch: bool,
    output: str,
    wants_code: bool,
    state_dir: Path | None,
) -> None:
    """Show pools, endpoints and breakers: why, and since when.

    POOL is a name, or NAMESPACE/NAME. Default: all pools.
    """

    in_name = (pool or "").rpartition("/")[0]

    def look() -> Sequence[PoolRecord]:
        _, pools = pool_locator.source(in_name or namespace, state_dir)
        return [found.pool for found in pool_locator.chosen(pools(), pool, namespace)]

    if not watch:
        found = look()
        _print(found, output)
        if wants_code:
            context.exit(EXIT_CODES[worst(level(one.status) for one in found)])
    elif output in ("table", "wide") and Console().is_terminal:
        live_screen.show(
            look, lambda pools, columns: page(pools, clock.now(), columns=columns, is_wide=output == "wide"), clock.now
        )
    else:
        _follow(look, output)


def _print(pools: Sequence[PoolRecord], output: str) -> None:
    if output in ("table", "wide"):
        screen = Console()
        console = screen if screen.is_terminal else Console(width=UNFOLDED_COLUMNS)
        shown = page(pools, clock.now(), columns=console.width, is_wide=output == "wide")
        console.print(shown if pools else "no pools yet")
        return
    click.echo(document(pools) if output == "json" else yaml.safe_dump(json.loads(document(pools)), sort_keys=False))


def document(pools: Sequence[PoolRecord]) -> str:
    """As `kubectl get -o json`, with what a status has; docs/reference/status.schema.json describes it."""
    items = [pool.model_dump(mode="json", by_alias=True, exclude_none=True) for pool in pools]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2)


def _follow(look: Callable[[], Sequence[PoolRecord]], output: str) -> None:
    """Not a terminal: a new document after each change."""
    before: Sequence[PoolRecord] | None = None
    while True:
        now = look()
        if now != before:
            _print(now, output)
            before = now
        live_screen.pause()
