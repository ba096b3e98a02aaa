"""`poolkeeper explain`: what is wrong with one endpoint, what was seen, and what to do. Or one request, or a choice."""

from pathlib import Path

import click
from rich.console import Console

from poolkeeper import clock
from poolkeeper.cli import options
from poolkeeper.cli.status import UNFOLDED_COLUMNS
from poolkeeper.diagnostics import choice_page, pool_locator, request_log
from poolkeeper.diagnostics.collect import gather
from poolkeeper.diagnostics.endpoint_facts import facts_of
from poolkeeper.diagnostics.explain_page import page
from poolkeeper.errors import UserError


@click.command(
    epilog="""\b
Examples:
  poolkeeper explain chat official
  poolkeeper explain team/chat official      a pool of that namespace
  poolkeeper explain chat --request ID       one request, by the x-request-id of its answer
  poolkeeper explain chat --why MODEL        which endpoints a request would find now, and why not the others
"""
)
@click.argument("pool", shell_complete=options.pool_names)
@click.argument("endpoint", required=False, shell_complete=options.endpoint_names)
@options.cluster
@click.option("--request", "request_id", metavar="ID", help="Explain this request instead: what was tried, and why.")
@click.option("--why", metavar="MODEL", help="Explain the choice instead: the candidates for this model now.")
@click.option("--client", metavar="NAME", help="With --why: as this client of access.clients. Default: any caller.")
@click.option("-n", "--namespace", help="The pool's namespace.")
@options.state_dir("any run that serves the pool")
def explain(
    pool: str,
    endpoint: str | None,
    request_id: str | None,
    why: str | None,
    client: str | None,
    namespace: str | None,
    state_dir: Path | None,
) -> None:
    """Say what is wrong with an endpoint: the last probe phase by phase, its breaker, what to do. Or what became of a
    request: every attempt, from the routers' request logs. Or why a request for a model would go where it goes: the
    candidates, their weights, and why each other endpoint is excluded.

    POOL is a name, or NAMESPACE/NAME. In a cluster it shows what your own permissions allow: pools, Pods, and
    pods/proxy for what the routers report.
    """
    if sum(given is not None for given in (endpoint, request_id, why)) != 1:
        raise UserError("wanted an ENDPOINT, or --request ID, or --why MODEL, and only one of them")
    if client is not None and why is None:
        raise UserError("--client goes with --why MODEL")
    found = pool_locator.find(pool, namespace, state_dir)
    screen = Console()
    console = screen if screen.is_terminal else Console(width=UNFOLDED_COLUMNS)
    if request_id is not None:
        console.print(request_log.page(request_log.find(found, request_id)))
        return
    if why is not None:
        console.print(choice_page.page(found.name, choice_page.gather(found, why, client)))
        return
    status = found.pool.status
    one = next((known for known in status.endpoints if known.name == endpoint), None)
    if one is None:
        names = ", ".join(sorted(known.name for known in status.endpoints)) or "none yet"
        raise UserError(f"pool {found.name} has no endpoint {endpoint!r}; its endpoints: {names}")
    console.print(page(facts_of(found.name, status, one, gather(found, with_metrics=True)), clock.now()))
