"""The pool in one line, for somebody on call: what is broken, since when, what Poolkeeper does about it, what to do.

The worst comes first, and nothing comes twice: the conditions have the rest.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from poolkeeper.api.reasons import ConditionType, Reason
from poolkeeper.api.router_reasons import ASLEEP
from poolkeeper.status.chain import Finding
from poolkeeper.status.facts import Facts
from poolkeeper.status.fault_words import fault
from poolkeeper.status.pod_words import LOOK, stuck
from poolkeeper.status.sentences import by_gravity, grey_to_do, names, outages_text, recovering_text

Findings = Mapping[ConditionType, Finding]

TO_DO: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.InvalidSpec: "correct the manifest and apply it again",
        Reason.NotAllowed: "correct the manifest, or ask the administrator to allow it",
        Reason.SecretNotFound: "create the Secret, or correct the reference",
        Reason.SecretKeyMissing: "add the key to the Secret, or correct the reference",
        Reason.PolicyNotFound: "create the FailoverPolicy, or correct failoverPolicyRef",
        Reason.ServiceNotFound: "create the Service, or correct the serviceRef",
        Reason.DeploymentNotFound: "create the Deployment, or correct standby.deploymentRef",
        Reason.ConfigMapNotFound: "create or correct the ConfigMap, or correct the reference",
        Reason.ApplyForbidden: "give the operator the permission or the quota that is named",
        Reason.ApplyConflict: "find out who else manages the object that is named",
        Reason.ChildContested: "find out who else changes the object that is named",
        Reason.NobodyMayServe: "permit another endpoint (dataPolicy, guarantees, allow), or bring a named one back",
        Reason.RouterNotReady: LOOK,
        Reason.RouterServiceMissing: "find out who deleted the Service; the operator makes it again",
        Reason.ClientKeyUnusable: "give that client an API key of its own in its Secret",
        Reason.RoutersSilent: "read the routers' logs; look for a NetworkPolicy between the operator and them",
        Reason.ConfigRejected: "see that the routers' image has the operator's version, and read their logs",
        Reason.CredentialsRejected: "renew that API key at the provider and in its Secret",
        Reason.BalanceExhausted: "top up the account of that API key",
        Reason.ReconcilePaused: "remove the annotation when the pause is over",
        Reason.ManualHold: "release the hold with `poolkeeper failback` when it is no longer needed",
    }
)

_OF_PODS = (Reason.RouterNotReady, Reason.RolloutInProgress)


def headline(facts: Facts, findings: Findings) -> str:
    before = facts.snapshot.previous
    if facts.is_unasked and before and before.headline:
        return before.headline
    return next(text for text in (say(facts, findings) for say in _SAYINGS) if text)


def _never_made(facts: Facts, findings: Findings) -> str:
    """The cause is what is missing: to look for Pods of routers that were never made would help nobody."""
    found = findings[ConditionType.Ready]
    return _of(facts, found) if facts.is_never_made and found.status == "False" else ""


def _no_router(facts: Facts, findings: Findings) -> str:
    found = findings[ConditionType.Available]
    return _of(facts, found) if found.reason in (Reason.RouterNotReady, Reason.RouterServiceMissing) else ""


def _unheard(facts: Facts, findings: Findings) -> str:
    found = findings[ConditionType.Available]
    return _of(facts, found) if not facts.states and found.status != "True" else ""


def _nobody_in_service(facts: Facts, findings: Findings) -> str:
    """It comes before what follows from it: callers get no answers, so the pool breaker opens."""
    if not facts.states or not facts.endpoints or any(one.in_service or one.away in ASLEEP for one in facts.endpoints):
        return ""
    found = findings[ConditionType.Degraded]
    if found.reason == Reason.NobodyMayServe:
        return _of(facts, found)
    first = min(facts.endpoints, key=lambda one: (one.away == "Disabled", one.tier))
    do = fault(first.away).to_do(facts.snapshot.key.name, first.name, "")
    return f"{findings[ConditionType.Available].message}. To do for {first.name}: {do}"


def _pool_breaker(facts: Facts, findings: Findings) -> str:
    found = findings[ConditionType.FailoverActive]
    if found.reason != Reason.GlobalBreakerOpen:
        return ""
    out = by_gravity(facts.out)
    return f"{found.message}. {outages_text(facts, out)}" if out else _of(facts, found)


def _outage(facts: Facts, findings: Findings) -> str:
    out = by_gravity(facts.out)
    if out and findings[ConditionType.Degraded].reason == Reason.StandbyBlocked:
        return findings[ConditionType.Degraded].message
    return outages_text(facts, out) if out else ""


def _not_ready(facts: Facts, findings: Findings) -> str:
    found = findings[ConditionType.Ready]
    return _of(facts, found) if found.status != "True" else ""


def _degraded(facts: Facts, findings: Findings) -> str:
    found = findings[ConditionType.Degraded]
    if found.reason == Reason.GreyFailure:
        return ". ".join(filter(None, (found.message, grey_to_do(facts))))
    return _of(facts, found) if found.status != "False" else ""


def _recovering(facts: Facts, findings: Findings) -> str:
    found = [endpoint for endpoint in facts.endpoints if endpoint.outage]
    return recovering_text(facts, found) if found else ""


def _not_available(facts: Facts, findings: Findings) -> str:
    found = findings[ConditionType.Available]
    return _of(facts, found) if found.status != "True" else ""


def _failed_over(facts: Facts, findings: Findings) -> str:
    found = findings[ConditionType.FailoverActive]
    return _of(facts, found) if found.status != "False" else ""


def _well(facts: Facts, findings: Findings) -> str:
    serving = names(endpoint for endpoint in facts.usable if endpoint.tier == facts.active_tier)
    return f"all is well: tier {facts.active_tier} serves ({serving})" if serving else "all is well"


_SAYINGS: tuple[Callable[[Facts, Findings], str], ...] = (
    _never_made,
    _no_router,
    _unheard,
    _nobody_in_service,
    _pool_breaker,
    _outage,
    _not_ready,
    _degraded,
    _recovering,
    _not_available,
    _failed_over,
    _well,
)


def _of(facts: Facts, found: Finding) -> str:
    held_up = stuck(facts) if found.reason in _OF_PODS else None
    do = held_up.do if held_up else TO_DO.get(found.reason, "")
    return f"{found.message}. To do: {do}" if do else found.message
