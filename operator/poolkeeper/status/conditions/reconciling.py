"""Reconciling: is the operator working towards Ready? For kstatus: True means "in progress"."""

from poolkeeper.api.reasons import Reason
from poolkeeper.status.chain import Finding


def reconciling(ready: Finding, stalled: Finding) -> Finding:
    """Not while the spec is refused, nor while a person has paused the pool."""
    if ready.status == "True":
        return Finding("False", Reason.Ready, "Nothing is left to do")
    is_idle = stalled.status == "True" or ready.reason == Reason.ReconcilePaused
    return Finding("False" if is_idle else "True", ready.reason, "The condition Ready has the cause")
