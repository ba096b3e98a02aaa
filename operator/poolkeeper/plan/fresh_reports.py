"""Which routers' reports count: fresh ones, of Pods that are not ending."""

from collections.abc import Mapping
from datetime import datetime

from poolkeeper.api.router_state import RouterState
from poolkeeper.plan.snapshot import Snapshot


def fresh_states(snapshot: Snapshot, now: datetime) -> Mapping[str, RouterState]:
    """What counts, by the name of the Pod."""
    pods = {pod.name for pod in snapshot.live.pods if not pod.terminating}
    return {
        report.pod: state
        for report in sorted(snapshot.reports, key=lambda report: report.pod)
        if report.pod in pods and (state := report.fresh(now))
    }
