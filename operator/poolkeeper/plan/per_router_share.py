"""One router's part of what the whole pool may do at once; docs/adr/0006-connection-share.md says why rounded down."""

from poolkeeper.plan.snapshot import Snapshot


def wanted_routers(snapshot: Snapshot) -> int:
    """How many router Pods are declared; without a cluster there is one."""
    return 1 if snapshot.settings.local or snapshot.pool is None else snapshot.pool.spec.router.pods


def sending_routers(snapshot: Snapshot) -> int:
    """How many router Pods may send at the same time: during a roll-out more than declared, never fewer than one."""
    serving = sum(not pod.terminating for pod in snapshot.live.pods)
    return max(1, wanted_routers(snapshot), serving)


def share(ceiling: int, among: int) -> int:
    """Together never above the connection limit, unless there are more routers than connections: then one each, because
    a router that may open none would answer nobody."""
    return max(1, ceiling // among)
