"""An endpoint's mode in force: as declared, drained or forbidden; a cold standby's also by what its Deployment has.

What the operator has decided about a standby is in the published status (status/cold_standby.py decides it), what
became of it in the Deployment. So the mode needs no memory, and a router never gets requests for what has no Pod that
is ready.
"""

from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.router_document import ModeDoc
from poolkeeper.api.status import StandbyStatus
from poolkeeper.plan.data_policy import mode_in_force
from poolkeeper.plan.snapshot import Snapshot


def mode_now(snapshot: Snapshot, spec: EndpointPoolSpec, endpoint: Endpoint) -> ModeDoc:
    mode = mode_in_force(spec.data_policy, endpoint, snapshot.annotations)
    scale = snapshot.scales.get(endpoint.standby.deployment_ref.name) if endpoint.standby else None
    if mode != "Active" or scale is None:
        return mode  # without its Deployment, it is an endpoint like any other
    known = published(snapshot, endpoint.name)
    if scale.replicas == 0:
        return "ScaledToZero" if known and known.state in ("Blocked", "HeldDown") else "Asleep"
    if scale.ready_replicas == 0:
        return "Waking"
    return "Draining" if known and known.state == "Draining" else "Active"


def published(snapshot: Snapshot, endpoint: str) -> StandbyStatus | None:
    """What was said about it last."""
    rows = snapshot.previous.endpoints if snapshot.previous else ()
    return next((row.standby for row in rows if row.name == endpoint), None)
