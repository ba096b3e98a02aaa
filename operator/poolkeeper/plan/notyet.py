"""Fields that were set and do nothing as things are: told by name, so that nobody trusts a dead switch."""

from collections.abc import Iterator

from poolkeeper.api.policyspec import FailoverPolicySpec
from poolkeeper.api.poolspec import EndpointPoolSpec
from poolkeeper.api.routerspec import Resources


def not_in_force(pool: EndpointPoolSpec, policy: FailoverPolicySpec) -> tuple[str, ...]:
    """Their paths, each with why this pool has no use for it."""
    return tuple(_of_no_use(pool, policy))


def _of_no_use(pool: EndpointPoolSpec, policy: FailoverPolicySpec) -> Iterator[str]:
    lesser = policy.fallback.degraded_model
    if lesser and lesser not in pool.models:
        yield f"policy.fallback.degradedModel ({lesser} is none of spec.models)"
    if pool.router.autoscaling and not _asks_for_cpu(pool.router.resources):
        yield "spec.router.autoscaling (spec.router.resources requests no cpu, so there is no percentage of it)"


def _asks_for_cpu(resources: Resources) -> bool:
    """A limit is also the request where none is given; without either of them, the installation's own count."""
    named = {str(name) for name in (*resources.requests, *resources.limits)}
    return not named or "cpu" in named
