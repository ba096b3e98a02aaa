"""What the children of a pool are called, and by which labels its router Pods are found.

One name for all children: `kubectl get all` then reads as one router, and a pool's name (40 at most) leaves room.
"""

from poolkeeper.api import labels
from poolkeeper.plan.snapshot import PoolKey


def child_name(key: PoolKey) -> str:
    return f"{key.name}-router"


def selector(key: PoolKey) -> dict[str, str]:
    """What never changes about a router Pod; a Deployment's selector cannot be changed afterwards."""
    return {labels.POOL: key.name, labels.COMPONENT: "router"}


def selector_text(key: PoolKey) -> str:
    """The same as one string, the form the scale subresource wants."""
    return ",".join(f"{name}={value}" for name, value in sorted(selector(key).items()))
