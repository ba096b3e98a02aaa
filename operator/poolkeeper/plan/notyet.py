"""Fields of the contract that are accepted before they do something: told by name, so that nobody trusts a dead switch.

A field is listed when it was set to other than its default.
"""

from collections.abc import Callable, Iterator

from poolkeeper.api.policyspec import FailoverPolicySpec
from poolkeeper.api.poolspec import EndpointPoolSpec

_DEFAULTS = FailoverPolicySpec()

POOL: dict[str, Callable[[EndpointPoolSpec], bool]] = {
    "spec.router.autoscaling": lambda spec: spec.router.autoscaling is not None,
}
"""Path -> whether the pool asks for what is not there yet."""

POLICY: dict[str, Callable[[FailoverPolicySpec], bool]] = {
    "healthCheck": lambda spec: spec.health_check != _DEFAULTS.health_check,
}
"""The same for a policy; paths below its spec."""


def not_in_force(pool: EndpointPoolSpec, policy: FailoverPolicySpec) -> tuple[str, ...]:
    """The paths that were set and do nothing, in the order of the tables."""
    return (
        *(path for path, asks in POOL.items() if asks(pool)),
        *(f"policy.{path}" for path in policy_not_in_force(policy)),
        *(f"policy.{path}" for path in _of_no_use(pool, policy)),
    )


def _of_no_use(pool: EndpointPoolSpec, policy: FailoverPolicySpec) -> Iterator[str]:
    """What this pool has no use for."""
    lesser = policy.fallback.degraded_model
    if lesser and lesser not in pool.models:
        yield f"fallback.degradedModel ({lesser} is none of spec.models)"


def policy_not_in_force(policy: FailoverPolicySpec) -> tuple[str, ...]:
    return tuple(path for path, asks in POLICY.items() if asks(policy))
