"""Which routers' reports count: fresh ones, of Pods that are not ending."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from poolkeeper.api.router_state import RouterState
from poolkeeper.plan.snapshot import Snapshot

STALE_S = 15


def fresh_states(snapshot: Snapshot, now: datetime) -> Mapping[str, RouterState]:
    """What counts, by the name of the Pod."""
    pods = {pod.name for pod in snapshot.live.pods if not pod.terminating}
    oldest = now - timedelta(seconds=STALE_S)
    return {
        report.pod: report.state
        for report in sorted(snapshot.reports, key=lambda report: report.pod)
        if report.pod in pods and report.state and report.seen_at and report.seen_at >= oldest
    }
