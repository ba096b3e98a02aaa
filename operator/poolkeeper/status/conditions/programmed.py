"""Programmed: do all routers run on the current spec?

The routers report it: each ready Pod must report the hash of the planned document. A finished roll-out of the
Deployment proves only that the Pods exist.
"""

from poolkeeper.api.reasons import REASONS, ConditionType, Reason
from poolkeeper.plan.per_router_share import wanted_routers
from poolkeeper.status.chain import Check, Finding, as_before
from poolkeeper.status.facts import Facts
from poolkeeper.status.pod_words import stuck

NAMED_AT_ONCE = 3
"""Routers that are named."""
REFUSAL_LENGTH = 300


def paused(facts: Facts) -> Finding | None:
    hold = facts.plan.hold
    if hold is None or hold.reason != Reason.ReconcilePaused:
        return None
    return Finding("Unknown", Reason.ReconcilePaused, hold.message)


def held(facts: Facts) -> Finding | None:
    if facts.plan.document is not None:
        return None
    why = facts.plan.hold.reason if facts.plan.hold else "unknown"
    return Finding("Unknown", Reason.Pending, f"The roll-out of changes is stopped ({why}). {facts.last_good}")


def refused(facts: Facts) -> Finding | None:
    if facts.refused is None:
        return None
    allowed = {reason.value: reason for reason in REASONS[ConditionType.Programmed]}
    reason = allowed.get(facts.refused.reason, Reason.ApplyForbidden)
    return Finding("False", reason, f"{facts.refused}. {facts.last_good}")


def rejected(facts: Facts) -> Finding | None:
    document = facts.plan.document
    refusals = [state.config.refused for state in facts.states.values() if state.config.refused]
    current = [refusal for refusal in refusals if document and refusal.generation >= document.generation]
    if not current:
        return None
    why = " ".join(current[0].message.split())[:REFUSAL_LENGTH]
    return Finding(
        "False",
        Reason.ConfigRejected,
        f"{len(current)}/{len(facts.states)} routers rejected configuration generation {current[0].generation}: "
        f"{why}. They keep serving with the last one they accepted",
    )


def rolling_out(facts: Facts) -> Finding | None:
    deployment, wanted = facts.snapshot.live.deployment, wanted_routers(facts.snapshot)
    if deployment is None:
        return Finding("False", Reason.RolloutInProgress, "The router Deployment does not exist yet")
    ready = min(deployment.ready_replicas, len(facts.ready_pods))
    stale = deployment.replicas - deployment.updated_replicas
    if deployment.up_to_date and deployment.updated_replicas >= wanted and stale <= 0 and ready >= wanted:
        return None
    held_up = stuck(facts)
    why = f"; {held_up.text}" if held_up else ""
    return Finding(
        "False",
        Reason.RolloutInProgress,
        f"{deployment.updated_replicas}/{wanted} router Pods are up to date, {ready}/{wanted} ready{why}",
    )


def unasked(facts: Facts) -> Finding | None:
    before, document = facts.snapshot.previous, facts.plan.document
    if before is None or document is None or before.router.config_hash != document.hash:
        return None
    return as_before(ConditionType.Programmed)(facts)


def behind(facts: Facts) -> Finding | None:
    document = facts.plan.document
    served = {pod: state.config_hash for pod, state in facts.states.items()}
    reporting = [pod.name for pod in facts.ready_pods if pod.name in served]
    current = [pod for pod in reporting if document and served[pod] == document.hash]
    if document is None or len(current) == len(reporting):
        return None
    return Finding(
        "False",
        Reason.RolloutInProgress,
        f"{len(current)}/{len(reporting)} routers serve configuration generation {document.generation}",
    )


def silent(facts: Facts) -> Finding | None:
    unheard = [pod.name for pod in facts.ready_pods if pod.name not in facts.states]
    if not unheard:
        return None
    errors = {report.pod: report.error for report in facts.snapshot.reports}
    text = [f"{pod}: {errors.get(pod) or 'not polled yet'}" for pod in unheard[:NAMED_AT_ONCE]]
    more = f"; and {len(unheard) - NAMED_AT_ONCE} more" if len(unheard) > NAMED_AT_ONCE else ""
    return Finding(
        "Unknown",
        Reason.RoutersSilent,
        f"{len(unheard)}/{len(facts.ready_pods)} ready routers do not report on their admin port, "
        f"so their configuration is unknown: {'; '.join(text)}{more}",
    )


def programmed(facts: Facts) -> Finding:
    document = facts.plan.document
    count, generation = len(facts.ready_pods), document.generation if document else 0
    return Finding("True", Reason.Programmed, f"{count}/{count} routers serve configuration generation {generation}")


CHECKS: tuple[Check, ...] = (paused, held, refused, rejected, rolling_out, unasked, behind, silent, programmed)
