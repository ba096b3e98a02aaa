"""Stalled: is the spec refused, so that only another one helps? For kstatus, which Flux and kpt wait by.

kstatus reads Ready False as "in progress": without this, a refused spec would fail only when the wait times out. What
can still arrive by itself (a Secret, a policy, a permission) stalls nothing.
"""

from poolkeeper.api.reasons import Reason
from poolkeeper.status.chain import Finding


def stalled(accepted: Finding) -> Finding:
    if accepted.status == "False":
        return Finding("True", accepted.reason, accepted.message)
    return Finding("False", Reason.Accepted, "The spec is accepted")
