"""`poolkeeper dashboard`: one page in the browser that says what is broken, since when, and what to do."""

import os
import signal
import sys
import time
import webbrowser
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from poolkeeper import clock
from poolkeeper.cli import listen, options
from poolkeeper.cli.listen import Address
from poolkeeper.dashboard.collect import look
from poolkeeper.dashboard.latest_view import LatestView
from poolkeeper.dashboard.request_search import RequestSearch
from poolkeeper.dashboard.server import serving
from poolkeeper.dashboard.site import Site
from poolkeeper.diagnostics import pool_locator
from poolkeeper.diagnostics.pool_changes import ChangeReader

PERIOD_S = 2.0
DEFAULT_LISTEN = "127.0.0.1:9280"
LOOPBACK = ("127.0.0.1", "::1")


@click.command(
    epilog="""\b
Examples:
  poolkeeper dashboard                          every pool of the runs on this machine, or of the cluster
  poolkeeper dashboard chat                     one pool
  poolkeeper dashboard -n team --no-browser     pools of a namespace; only print the address
  ssh -L 9280:127.0.0.1:9280 HOST poolkeeper dashboard --no-browser      then open http://127.0.0.1:9280 here
"""
)
@click.argument("pool", required=False, shell_complete=options.pool_names)
@options.cluster
@options.all_namespaces
@click.option("-n", "--namespace", help="Only pools of this namespace.")
@click.option(
    "--listen",
    "listen_on",
    default=DEFAULT_LISTEN,
    show_default=True,
    metavar="HOST:PORT",
    help="Address of the page; port 0: any free one. There is no login: everybody who reaches it sees the pools.",
)
@click.option(
    "--host",
    "names",
    multiple=True,
    metavar="NAME",
    help="A name by which browsers may call the page, such as that of a proxy in front of it; may be repeated.",
)
@click.option("--no-browser", is_flag=True, help="Do not open the browser.")
@options.state_dir()
def dashboard(
    pool: str | None,
    namespace: str | None,
    listen_on: str,
    names: tuple[str, ...],
    no_browser: bool,
    state_dir: Path | None,
) -> None:
    """Show pools live on a page in the browser: what is broken, since when, what Poolkeeper does, what you can do.

    POOL is a name, or NAMESPACE/NAME. Default: all pools. It shows what your own permissions allow, as `status` and
    `explain` do, and changes nothing. If nothing answers any more, it says since when it is stale. Ctrl-C ends it.
    """
    address = listen.claim("--listen", listen.parse("--listen", listen_on))
    source, pools = pool_locator.source((pool or "").rpartition("/")[0] or namespace, state_dir)
    look_again = partial(look, pools, ChangeReader(clock.now), pool, namespace)
    search = RequestSearch(lambda: pool_locator.chosen(pools(), pool, namespace))
    board = LatestView(source, clock.now()).first(look_again, clock.now)

    def document() -> bytes:
        return board.document(clock.now()).model_dump_json(by_alias=True).encode()

    # The first process of a Pod has no other way to end. At once, as an exception would end the look in its middle.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with serving(address.host, address.port, Site(address.host, document, names, search.answer)):
        _tell(address, source)
        if not no_browser and sys.stdout.isatty() and has_browser(os.environ, sys.platform):
            webbrowser.open(address.url)
        while True:
            began_s = time.monotonic()
            board = board.after(look_again, clock.now)
            time.sleep(max(PERIOD_S, time.monotonic() - began_s))


def _tell(address: Address, source: str) -> None:
    click.echo(f"{address.url}/ shows {source}; Ctrl-C ends it")
    if address.host not in LOOPBACK:
        click.echo(f"note: there is no login, and other machines can reach {address.host}", err=True)


def has_browser(environ: Mapping[str, str], platform: str) -> bool:
    """One with a window: a browser for terminals would take this one over."""
    return platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
