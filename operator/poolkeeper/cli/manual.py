"""Control by hand: `failover`, `failback`, `drain`, `undrain`.

Each changes one annotation of the pool and nothing else, says what that does, and how to take it back. Nothing here
waits for it to happen: `poolkeeper status -w` shows that.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from poolkeeper import clock
from poolkeeper.api import labels
from poolkeeper.api.reasons import Reason
from poolkeeper.api.router_reasons import AWAITS_TRAFFIC
from poolkeeper.api.status import EndpointStatus
from poolkeeper.diagnostics import pool_locator
from poolkeeper.diagnostics.pool_locator import Target
from poolkeeper.errors import UserError

F = TypeVar("F", bound=Callable[..., object])


def _on_a_pool(command: F) -> F:
    """The argument and options that all four have."""
    for option in (
        click.option(
            "--state-dir",
            type=click.Path(path_type=Path),
            help="A `poolkeeper run` with this state folder. Left out: a live run of this pool, else the cluster.",
        ),
        click.option("-n", "--namespace", help="The pool's namespace, when several have a pool of this name."),
    ):
        command = option(command)
    return command


@click.command(
    epilog="""\b
Examples:
  poolkeeper failover chat --to 1    tier 1 serves, whether or not tier 0 is well
  poolkeeper failback chat           and back
"""
)
@click.argument("pool")
@click.option("--to", "tier", type=int, required=True, metavar="TIER", help="The tier that is to serve.")
@_on_a_pool
def failover(pool: str, tier: int, namespace: str | None, state_dir: Path | None) -> None:
    """Have a tier serve a pool until `failback`.

    POOL is a name, or NAMESPACE/NAME.
    """
    found = pool_locator.find(pool, namespace, state_dir)
    status = found.pool.status
    tiers = sorted({endpoint.tier for endpoint in status.endpoints})
    if tier not in tiers:
        raise UserError(f"pool {found.name} has no tier {tier}; its tiers: {_listed(tiers)}")
    found.annotate({labels.FAILOVER_TO: str(tier)})
    of_tier = [endpoint for endpoint in status.endpoints if endpoint.tier == tier]
    before = "none served" if status.active_tier is None else f"tier {status.active_tier} served"
    click.echo(f"pool {found.name}: tier {tier} ({_names(of_tier)}) is held by hand; {before} so far")
    click.echo("New requests go there, and to a tier above it only when nothing from there on can take them.")
    click.echo("Requests in flight end where they are.")
    if not any(_can_serve(endpoint) for endpoint in of_tier):
        click.echo(f"Careful: no endpoint of tier {tier} is well just now.", err=True)
    click.echo(f"Back: poolkeeper failback {pool}")


@click.command(
    epilog="""\b
Examples:
  poolkeeper failback chat           after `failover`, or where the policy says failback: {mode: Manual}
"""
)
@click.argument("pool")
@_on_a_pool
def failback(pool: str, namespace: str | None, state_dir: Path | None) -> None:
    """Let traffic return to the first tier that can serve.

    Ends what `failover` holds, and what routers hold under failback Manual. POOL is a name, or NAMESPACE/NAME.
    """
    found = pool_locator.find(pool, namespace, state_dir)
    found.annotate({labels.FAILOVER_TO: None, labels.FAILED_BACK_AT: clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")})
    tier = found.pool.status.active_tier
    held = any(condition.reason == Reason.ManualHold for condition in found.pool.status.conditions)
    what = f"tier {tier} is held no longer" if held else "no tier was held, as far as its status knows"
    click.echo(f"pool {found.name}: {what}")
    click.echo("New requests go to the first tier that can serve. One that has only just recovered waits for the")
    click.echo("policy's failback.stabilization first, and its endpoints start slowly (balancing.slowStart).")


@click.command(
    epilog="""\b
Examples:
  poolkeeper drain chat official     before maintenance at the provider
  poolkeeper undrain chat official
"""
)
@click.argument("pool")
@click.argument("endpoint")
@_on_a_pool
def drain(pool: str, endpoint: str, namespace: str | None, state_dir: Path | None) -> None:
    """Send an endpoint no more requests, and let running ones end.

    POOL is a name, or NAMESPACE/NAME.
    """
    found = _with_endpoint(pool, endpoint, namespace, state_dir)
    found.annotate({labels.DRAIN_PREFIX + endpoint: "true"})
    others = [one for one in found.pool.status.endpoints if one.name != endpoint and _can_serve(one)]
    click.echo(f"pool {found.name}: endpoint {endpoint} drains")
    click.echo("It gets no new requests; those in flight end by themselves, however long they take.")
    if others:
        click.echo(f"Left to serve: {_names(others)}")
    else:
        click.echo("Careful: no other endpoint is well just now; clients get the policy's fallback.", err=True)
    click.echo(f"Back: poolkeeper undrain {pool} {endpoint}")


@click.command()
@click.argument("pool")
@click.argument("endpoint")
@_on_a_pool
def undrain(pool: str, endpoint: str, namespace: str | None, state_dir: Path | None) -> None:
    """Let an endpoint that was drained take requests again.

    POOL is a name, or NAMESPACE/NAME.
    """
    found = _with_endpoint(pool, endpoint, namespace, state_dir)
    found.annotate({labels.DRAIN_PREFIX + endpoint: None})
    click.echo(f"pool {found.name}: endpoint {endpoint} is drained by hand no longer")
    click.echo("It takes requests again, few at first (balancing.slowStart), unless its own mode, weight or schedule")
    click.echo("in the manifest say otherwise.")


def _with_endpoint(pool: str, endpoint: str, namespace: str | None, state_dir: Path | None) -> Target:
    found = pool_locator.find(pool, namespace, state_dir)
    known = sorted(one.name for one in found.pool.status.endpoints)
    if endpoint not in known:
        raise UserError(f"pool {found.name} has no endpoint {endpoint!r}; its endpoints: {_listed(known)}")
    return found


def _can_serve(endpoint: EndpointStatus) -> bool:
    is_cut_off = endpoint.breaker != "Closed" and endpoint.reason not in AWAITS_TRAFFIC
    return endpoint.health != "Unhealthy" and not is_cut_off and endpoint.reason != "Draining"


def _names(endpoints: Sequence[EndpointStatus]) -> str:
    return _listed([endpoint.name for endpoint in endpoints])


def _listed(items: Sequence[object]) -> str:
    return ", ".join(map(str, items)) or "none yet"
