"""`poolkeeper traces`: the requests of the routers' request logs go to an OpenTelemetry collector, as spans."""

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from poolkeeper import clock
from poolkeeper.cli import options
from poolkeeper.diagnostics import pool_locator
from poolkeeper.diagnostics.pool_locator import CLUSTER, LOCAL_ROUTER
from poolkeeper.diagnostics.request_lines import RequestLines, Routed
from poolkeeper.errors import PoolkeeperError, UserError
from poolkeeper.telemetry.outbox import MOST, Outbox, Take
from poolkeeper.telemetry.outbox import Routed as RoutedSpan
from poolkeeper.telemetry.spans import spans_of

PERIOD_S, CLUSTER_PERIOD_S = 1.0, 5.0
STDIN = "-"
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@click.command(
    epilog="""\b
Examples:
  poolkeeper traces --endpoint http://localhost:4318      the runs on this machine, or the cluster's pools
  poolkeeper traces chat -n team --since 600              one pool, with the last ten minutes
  kubectl logs deploy/chat-router | poolkeeper traces --file -      what is there, once
"""
)
@click.argument("pool", required=False, shell_complete=options.pool_names)
@options.cluster
@options.all_namespaces
@click.option("-n", "--namespace", help="Only pools of this namespace.")
@click.option(
    "--endpoint",
    metavar="URL",
    help="The collector's OTLP/HTTP address. Default: OTEL_EXPORTER_OTLP_ENDPOINT, else http://localhost:4318. "
    "OpenTelemetry's other variables hold, too: headers, certificates, time-out, compression.",
)
@click.option(
    "--since",
    "since_s",
    type=click.IntRange(0, 86_400),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="Also send what ended in the last SECONDS before the start.",
)
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    help="Follow this request log instead. `-`: send all of standard input, and end.",
)
@options.state_dir()
def traces(
    pool: str | None,
    namespace: str | None,
    endpoint: str | None,
    since_s: int,
    file: Path | None,
    state_dir: Path | None,
) -> None:
    """Send requests to an OpenTelemetry collector: a span for each request, one for each attempt (OTLP over HTTP).

    POOL is a name, or NAMESPACE/NAME. Default: all pools. It reads the request logs every second, in a cluster every
    five, with your own permissions (`get` on pods/log); routers do nothing for it. What the collector does not
    take waits, and is sent later. Ctrl-C ends it.
    """
    from poolkeeper.telemetry.otlp import Collector  # other commands do not pay for its library

    if file and (pool or namespace or state_dir):
        raise UserError("--file names a log, POOL, -n and --state-dir whose logs to find; wanted one of the two")
    collector, outbox = Collector(endpoint), Outbox()
    lines = RequestLines(clock.now() - timedelta(seconds=since_s))
    try:
        if file and str(file) == STDIN:
            lines = RequestLines(BEGINNING)
            _send_all(_spans(lines.sound(LOCAL_ROUTER, sys.stdin)), outbox, collector.take, collector.url)
            return
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        where, look = _looking(lines, file, pool, namespace, state_dir)
        click.echo(f"requests of {where} go to {collector.url}; Ctrl-C ends it", err=True)
        _follow(look, lines, outbox, collector.take, CLUSTER_PERIOD_S if where == CLUSTER else PERIOD_S)
    finally:
        collector.close()


def _looking(
    lines: RequestLines, file: Path | None, pool: str | None, namespace: str | None, state_dir: Path | None
) -> tuple[str, Callable[[], Iterable[Routed]]]:
    if file:
        return str(file), lambda: lines.of_file(file)
    where, pools = pool_locator.source((pool or "").rpartition("/")[0] or namespace, state_dir)
    pool_locator.chosen(pools(), pool, namespace)  # an error at the start is reported at once
    return where, lambda: lines.of_pools(pool_locator.chosen(pools(), pool, namespace))


def _follow(
    look: Callable[[], Iterable[Routed]], lines: RequestLines, outbox: Outbox, take: Take, period_s: float
) -> None:
    """For ever. It names a trouble once, when it begins and when it ends."""
    said = ""
    while True:
        began_s = time.monotonic()
        is_taken, troubles = True, lines.notes
        try:
            is_taken = outbox.pass_on(_spans(look()), take)
        except PoolkeeperError as error:
            troubles = [str(error)]
        refused = [] if is_taken else [f"the collector does not take spans; {MOST} of them wait at most"]
        trouble = "; ".join([*refused, *troubles])
        if trouble != said:
            given_up = f" ({outbox.dropped} spans were given up)" if outbox.dropped else ""
            click.echo(f"{trouble or 'all is sent again'}{given_up}", err=True)
            said = trouble
        time.sleep(max(0.0, period_s - (time.monotonic() - began_s)))


def _send_all(spans: Iterable[RoutedSpan], outbox: Outbox, take: Take, url: str) -> None:
    if not outbox.pass_on(spans, take):
        raise UserError(f"{url} took {outbox.sent} spans and then no more; {len(outbox.waiting)} are left")
    click.echo(f"{outbox.sent} spans sent to {url}", err=True)


def _spans(lines: Iterable[Routed]) -> Iterator[RoutedSpan]:
    for router, line in lines:
        for span in spans_of(line):
            yield router, span
