"""What the children of a pool are called, and by which labels its Pods are found.

One name for all children of a component: `kubectl get all` then reads as one router and one probe, and a pool's name
(40 at most) leaves room, also for what a CronJob adds.
"""

from typing import Literal

from poolkeeper.api import labels
from poolkeeper.plan.snapshot import PoolKey

Component = Literal["router", "probe"]


def child_name(key: PoolKey, component: Component = "router") -> str:
    return f"{key.name}-{component}"


def selector(key: PoolKey, component: Component = "router") -> dict[str, str]:
    """What never changes about a Pod; a Deployment's selector cannot be changed afterwards."""
    return {labels.POOL: key.name, labels.COMPONENT: component}


def selector_text(key: PoolKey) -> str:
    """The same as one string, the form the scale subresource wants."""
    return ",".join(f"{name}={value}" for name, value in sorted(selector(key).items()))
