"""Fields of the contract that are accepted before they do something: told by name, so that nobody trusts a dead switch.

A field is listed when it was set to other than its default.
"""

from collections.abc import Callable, Iterator

from poolkeeper.api.policyspec import FailoverPolicySpec
from poolkeeper.api.poolspec import EndpointPoolSpec
from poolkeeper.api.routerspec import Resources

_DEFAULTS = FailoverPolicySpec()

POLICY: dict[str, Callable[[FailoverPolicySpec], bool]] = {
    "healthCheck": lambda spec: spec.health_check != _DEFAULTS.health_check,
}
"""Path below a policy's spec -> whether it asks for what is not there yet."""


def not_in_force(pool: EndpointPoolSpec, policy: FailoverPolicySpec) -> tuple[str, ...]:
    """The paths that were set and do nothing, in the order of the table."""
    return (
        *(f"policy.{path}" for path in policy_not_in_force(policy)),
        *_of_no_use(pool, policy),
    )


def _of_no_use(pool: EndpointPoolSpec, policy: FailoverPolicySpec) -> Iterator[str]:
    """What this pool has no use for."""
    lesser = policy.fallback.degraded_model
    if lesser and lesser not in pool.models:
        yield f"policy.fallback.degradedModel ({lesser} is none of spec.models)"
    if pool.router.autoscaling and not _asks_for_cpu(pool.router.resources):
        yield "spec.router.autoscaling (spec.router.resources requests no cpu, so there is no percentage of it)"


def _asks_for_cpu(resources: Resources) -> bool:
    """A limit is also the request where none is given; without either of them, the installation's own count."""
    named = {str(name) for name in (*resources.requests, *resources.limits)}
    return not named or "cpu" in named


def policy_not_in_force(policy: FailoverPolicySpec) -> tuple[str, ...]:
    return tuple(path for path, asks in POLICY.items() if asks(policy))
