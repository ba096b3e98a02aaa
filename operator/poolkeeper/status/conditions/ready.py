"""Ready: do the routers run on a valid spec?

Providers' health is not in it: an outage must not block the roll-out that fixes it.
"""

from collections.abc import Mapping

from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.status.chain import Finding

NEEDS = (ConditionType.Accepted, ConditionType.ResolvedRefs, ConditionType.Programmed)


def ready(findings: Mapping[ConditionType, Finding]) -> Finding:
    """The first needed condition that is not True decides."""
    for need in NEEDS:
        if findings[need].status != "True":
            return findings[need]
    return Finding("True", Reason.Ready, findings[ConditionType.Programmed].message)
