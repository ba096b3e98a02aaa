"""What a router may use, and how many workers make use of it."""

from decimal import Decimal
from math import ceil
from string import ascii_letters

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.pool_spec import Probe
from poolkeeper.api.router_spec import Resources
from poolkeeper.plan.snapshot import Snapshot

MAX_WORKERS = 32


def resources_of(snapshot: Snapshot, pool: EndpointPool) -> Resources:
    """The pool's own words, or, when it has none, the installation's."""
    given = pool.spec.router.resources
    return given if given.requests or given.limits else snapshot.settings.children.router_resources


def probe_resources_of(snapshot: Snapshot, probe: Probe) -> Resources:
    given = probe.resources
    return given if given.requests or given.limits else snapshot.settings.children.probe_resources


def workers(resources: Resources) -> int:
    """One process for each CPU that the router may use, or else is promised."""
    cpu = {str(name): value for name, value in (*resources.requests.items(), *resources.limits.items())}.get("cpu")
    if cpu is None:
        return 1
    cores = Decimal(cpu[:-1]) / 1000 if cpu.endswith("m") else Decimal(cpu.rstrip(ascii_letters))
    return min(MAX_WORKERS, max(1, ceil(cores)))
