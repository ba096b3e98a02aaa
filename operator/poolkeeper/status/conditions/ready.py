"""Ready: do the routers run on a valid spec? Providers' health is not in it: an outage must not block its own cure."""

from collections.abc import Mapping

from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.status.chain import Finding

NEEDS = (ConditionType.Accepted, ConditionType.ResolvedRefs, ConditionType.Programmed)


def ready(findings: Mapping[ConditionType, Finding]) -> Finding:
    """The first of its needs that is not True speaks for it."""
    for need in NEEDS:
        if findings[need].status != "True":
            return findings[need]
    return Finding("True", Reason.Ready, findings[ConditionType.Programmed].message)
