"""Which endpoints the pool's data policy permits. What an endpoint does not say, it does not guarantee.

A policy that no endpoint meets is no error: a refused spec would leave the last one serving, and that one may permit
more.
"""

from collections.abc import Mapping

from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.pool_spec import DataPolicy
from poolkeeper.api.router_document import ModeDoc
from poolkeeper.plan.annotations import mode_of


def lacking(policy: DataPolicy, endpoint: Endpoint) -> str:
    """What the policy wants and the endpoint does not have, in words; "" where it is permitted."""
    wanted = [str(word) for word in policy.require if word not in endpoint.guarantees]
    if policy.regions and endpoint.region not in policy.regions:
        wanted.append(f"a region of {', '.join(policy.regions)}")
    return ", ".join(wanted)


def mode_in_force(policy: DataPolicy, endpoint: Endpoint, annotations: Mapping[str, str]) -> ModeDoc:
    """As declared or drained, unless the policy forbids the endpoint."""
    mode = mode_of(endpoint, annotations)
    return "Forbidden" if mode != "Disabled" and lacking(policy, endpoint) else mode
