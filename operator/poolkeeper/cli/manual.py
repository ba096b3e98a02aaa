"""Control by hand: `failover`, `failback`, `drain`, `undrain`.

Each changes one annotation of the pool and nothing else, and says what that does and how to revert it. None waits until
it has happened: `poolkeeper status -w` shows that.
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
from poolkeeper.cli import options
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
            help="A `poolkeeper run` with this state folder. Default: a live run of this pool, else the cluster.",
        ),
        click.option("-n", "--namespace", help="The pool's namespace, when several have a pool of this name."),
    ):
        command = option(command)
    return options.cluster(command)


@click.command(
    epilog="""\b
Examples:
  poolkeeper failover chat --to 1    tier 1 serves, whether or not tier 0 is healthy
  poolkeeper failback chat           and back
"""
)
@click.argument("pool", shell_complete=options.pool_names)
@click.option("--to", "tier", type=int, required=True, metavar="TIER", help="The tier that will serve.")
@_on_a_pool
def failover(pool: str, tier: int, namespace: str | None, state_dir: Path | None) -> None:
    """Make a tier serve a pool until `failback`.

    POOL is a name, or NAMESPACE/NAME.
    """
    found = pool_locator.find(pool, namespace, state_dir)
    status = found.pool.status
    tiers = sorted({endpoint.tier for endpoint in status.endpoints})
    if tier not in tiers:
        raise UserError(f"pool {found.name} has no tier {tier}; its tiers: {_listed(tiers)}")
    found.annotate({labels.FAILOVER_TO: str(tier)})
    of_tier = [endpoint for endpoint in status.endpoints if endpoint.tier == tier]
    before = "no tier served" if status.active_tier is None else f"tier {status.active_tier} served"
    click.echo(f"pool {found.name}: you hold tier {tier} ({_names(of_tier)}); {before} before")
    click.echo(
        "New requests go there. They go to a tier above it only if no endpoint of this tier and below can serve."
    )
    click.echo("Requests in flight finish on their endpoint.")
    if not any(_can_serve(endpoint) for endpoint in of_tier):
        click.echo(f"Careful: no endpoint of tier {tier} is healthy now.", err=True)
    click.echo(f"To go back: poolkeeper failback {pool}")


@click.command(
    epilog="""\b
Examples:
  poolkeeper failback chat           after `failover`, or if the policy has failback: {mode: Manual}
"""
)
@click.argument("pool", shell_complete=options.pool_names)
@_on_a_pool
def failback(pool: str, namespace: str | None, state_dir: Path | None) -> None:
    """Let traffic return to the first tier that can serve.

    Ends the hold of `failover`, and the failback hold of routers under failback Manual. POOL is a name, or
    NAMESPACE/NAME.
    """
    found = pool_locator.find(pool, namespace, state_dir)
    found.annotate({labels.FAILOVER_TO: None, labels.FAILED_BACK_AT: clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")})
    tier = found.pool.status.active_tier
    held = any(condition.reason == Reason.ManualHold for condition in found.pool.status.conditions)
    what = f"the hold of tier {tier} is released" if held else "its status shows no hold"
    click.echo(f"pool {found.name}: {what}")
    click.echo("New requests go to the first tier that can serve. A tier that has just recovered first waits for")
    click.echo("failback.stabilization of the policy; its endpoints start slowly (balancing.slowStart).")


@click.command(
    epilog="""\b
Examples:
  poolkeeper drain chat official     before maintenance at the provider
  poolkeeper undrain chat official
"""
)
@click.argument("pool", shell_complete=options.pool_names)
@click.argument("endpoint", shell_complete=options.endpoint_names)
@_on_a_pool
def drain(pool: str, endpoint: str, namespace: str | None, state_dir: Path | None) -> None:
    """Send an endpoint no new requests, and let running ones finish.

    POOL is a name, or NAMESPACE/NAME.
    """
    found = _with_endpoint(pool, endpoint, namespace, state_dir)
    found.annotate({labels.DRAIN_PREFIX + endpoint: "true"})
    others = [one for one in found.pool.status.endpoints if one.name != endpoint and _can_serve(one)]
    click.echo(f"pool {found.name}: endpoint {endpoint} drains")
    click.echo("It gets no new requests. Those in flight finish, however long they take.")
    if others:
        click.echo(f"Still serving: {_names(others)}")
    else:
        click.echo("Careful: no other endpoint is healthy now; clients get the fallback of the policy.", err=True)
    click.echo(f"To go back: poolkeeper undrain {pool} {endpoint}")


@click.command(
    epilog="""\b
Examples:
  poolkeeper undrain chat official
"""
)
@click.argument("pool", shell_complete=options.pool_names)
@click.argument("endpoint", shell_complete=options.endpoint_names)
@_on_a_pool
def undrain(pool: str, endpoint: str, namespace: str | None, state_dir: Path | None) -> None:
    """Send a drained endpoint requests again.

    POOL is a name, or NAMESPACE/NAME.
    """
    found = _with_endpoint(pool, endpoint, namespace, state_dir)
    found.annotate({labels.DRAIN_PREFIX + endpoint: None})
    click.echo(f"pool {found.name}: the drain of endpoint {endpoint} is released")
    click.echo("It gets requests again, few at first (balancing.slowStart), unless its mode, weight or schedule in the")
    click.echo("manifest forbids it.")


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
