"""The words of every condition: types, what is good, and the reasons, each with its meaning. They are an API:
none is renamed.

Runbooks (docs/runbooks/REASON.md), status, Events and `poolkeeper status` all use exactly these.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, Self

ConditionStatus = Literal["True", "False", "Unknown"]


class Word(StrEnum):
    """A word of the API with its one-line meaning."""

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Self:
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member


class ConditionType(Word):
    Accepted = "Accepted", "The spec is valid and used."
    ResolvedRefs = "ResolvedRefs", "Everything the spec refers to exists."
    Programmed = "Programmed", "The routers run on this spec."
    Available = "Available", "Enough endpoints answer: at least minAvailable."
    Degraded = "Degraded", "Something needs a look, though the pool may well be answering."
    FailoverActive = "FailoverActive", "The pool is not served by its first tier as declared."
    Ready = "Ready", "Accepted, ResolvedRefs and Programmed. An outage of a provider does not change it."


class Reason(Word):
    Pending = "Pending", "The operator has not looked yet."

    Accepted = "Accepted", "The spec is valid."
    InvalidSpec = (
        "InvalidSpec",
        "The spec breaks a rule; the message names the path. The last good configuration keeps serving.",
    )

    ResolvedRefs = "ResolvedRefs", "Everything referred to exists."
    SecretNotFound = "SecretNotFound", "A referenced Secret is not there, says a router that should have its key."
    SecretKeyMissing = "SecretKeyMissing", "The Secret is there, the key in it is not."
    PolicyNotFound = (
        "PolicyNotFound",
        "The FailoverPolicy is not there or not valid. The last good configuration keeps serving.",
    )
    ServiceNotFound = "ServiceNotFound", "An endpoint's Service is not there."
    ConfigMapNotFound = "ConfigMapNotFound", "A referenced ConfigMap, or the key in it, is not there."

    Programmed = "Programmed", "All router Pods run on the current configuration."
    RolloutInProgress = (
        "RolloutInProgress",
        "Router Pods are being started or have not taken the current configuration yet.",
    )
    ApplyForbidden = (
        "ApplyForbidden",
        "The API server refuses a write of the operator: RBAC, quota or an admission policy.",
    )
    ApplyConflict = "ApplyConflict", "Another field manager or owner holds what the operator must write."
    ConfigRejected = "ConfigRejected", "A router refused the configuration and keeps serving on the last good one."
    ReconcilePaused = "ReconcilePaused", "The annotation poolkeeper.dev/paused holds the pool as it is."

    MinimumEndpointsAvailable = "MinimumEndpointsAvailable", "At least minAvailable endpoints take traffic."
    NoEndpointsAvailable = "NoEndpointsAvailable", "Fewer endpoints than minAvailable take traffic."
    RouterNotReady = "RouterNotReady", "No router Pod is ready: nobody can be answered."
    ProbeDataStale = (
        "ProbeDataStale",
        "No router has reported for a while, or no probe for three runs: what was true may not be.",
    )
    NoDataYet = "NoDataYet", "Routers are up and have not reported yet."

    AllEndpointsHealthy = "AllEndpointsHealthy", "Every endpoint that is not disabled is healthy."
    EndpointsUnhealthy = "EndpointsUnhealthy", "At least one endpoint fails its health check."
    BreakerOpen = "BreakerOpen", "At least one endpoint's circuit breaker is open or half-open."
    CredentialsRejected = "CredentialsRejected", "A provider refuses a key (401, 403), or its file is missing or empty."
    BalanceExhausted = "BalanceExhausted", "A provider says the account is out of money (402)."
    GreyFailure = "GreyFailure", "Probes see an endpoint that answers, but too slowly or wrongly."

    PrimaryServing = "PrimaryServing", "The first tier serves."
    PrimaryBreakerOpen = "PrimaryBreakerOpen", "The first tier's breakers are open; a lower tier serves."
    PrimaryUnhealthy = "PrimaryUnhealthy", "The first tier fails its health checks; a lower tier serves."
    PrimaryRateLimited = "PrimaryRateLimited", "The first tier's providers limit our rate; a lower tier serves."
    ServingDegraded = "ServingDegraded", "A smaller model, the cache or the default answer serves."
    GlobalBreakerOpen = (
        "GlobalBreakerOpen",
        "The pool's overall error rate is over its threshold: most requests get the default answer.",
    )
    ManualHold = "ManualHold", "The annotation poolkeeper.dev/failover-to holds a tier."

    Ready = "Ready", "Accepted, ResolvedRefs and Programmed are all True."


class ProbeReason(Word):
    """What a probe finds wrong with an endpoint, the worst first; it stands in status.endpoints[].reason."""

    DnsFailed = "DnsFailed", "Its name does not resolve."
    AddressRefused = (
        "AddressRefused",
        "It, or its egress proxy, is at an address that no pool may reach: loopback, link-local or a cloud's metadata.",
    )
    ProxyFailed = "ProxyFailed", "Its egress proxy is not there or does not connect to it."
    ConnectFailed = "ConnectFailed", "None of its addresses takes a connection."
    TlsFailed = "TlsFailed", "The TLS handshake fails before any certificate is judged."
    CertificateInvalid = (
        "CertificateInvalid",
        "Its certificate is expired, for another name, or by an authority that is not trusted.",
    )
    SecretNotFound = "SecretNotFound", "The key to probe it with is missing or empty."
    CredentialsRejected = "CredentialsRejected", "The provider refuses the key (401, 403)."
    BalanceExhausted = "BalanceExhausted", "The provider says the account is out of money (402, or its balance page)."
    ModelMissing = "ModelMissing", "The provider does not know the model that was asked for."
    NoAnswer = "NoAnswer", "The request is taken, and nothing comes back."
    KeepAliveOnly = "KeepAliveOnly", "The connection is kept alive, and no content comes in time."
    EmptyAnswer = "EmptyAnswer", "The answer says it is complete and has no content."
    InvalidAnswer = "InvalidAnswer", "What comes back is no answer of the API."
    ServerError = "ServerError", "The provider answers with an error of its own."
    Busy = "Busy", "The provider says it is overloaded."
    CutAtRoundSeconds = (
        "CutAtRoundSeconds",
        "The stream is cut after a round number of seconds: a time limit of something in between.",
    )
    TruncatedStream = "TruncatedStream", "The stream ends before the answer does."
    SlowFirstToken = "SlowFirstToken", "The first token takes longer than spec.probe.firstToken."
    SlowTokens = "SlowTokens", "Tokens come slower than spec.probe.minTokensPerSecond."
    WrongModel = "WrongModel", "Another model answers than the one that was asked for."
    BufferedStream = "BufferedStream", "The stream arrives in one piece: something in between holds it back."
    CertificateExpiring = "CertificateExpiring", "Its certificate ends within a week and is overdue for renewal."
    SampleRefused = "SampleRefused", "The provider finds the probe's own request invalid (400, 422)."
    RateLimited = "RateLimited", "The provider limits our rate (429), which says nothing about its health."


GOOD: Mapping[ConditionType, ConditionStatus] = MappingProxyType(
    {
        kind: "False" if kind in (ConditionType.Degraded, ConditionType.FailoverActive) else "True"
        for kind in ConditionType
    }
)
"""The status each condition has when all is well."""

POOL_CONDITIONS: tuple[ConditionType, ...] = tuple(ConditionType)
POLICY_CONDITIONS: tuple[ConditionType, ...] = (ConditionType.Accepted,)

REASONS: Mapping[ConditionType, tuple[Reason, ...]] = MappingProxyType(
    {
        ConditionType.Accepted: (Reason.Accepted, Reason.InvalidSpec, Reason.Pending),
        ConditionType.ResolvedRefs: (
            Reason.ResolvedRefs,
            Reason.SecretNotFound,
            Reason.SecretKeyMissing,
            Reason.PolicyNotFound,
            Reason.ServiceNotFound,
            Reason.ConfigMapNotFound,
            Reason.Pending,
        ),
        ConditionType.Programmed: (
            Reason.Programmed,
            Reason.RolloutInProgress,
            Reason.ApplyForbidden,
            Reason.ApplyConflict,
            Reason.ConfigRejected,
            Reason.ReconcilePaused,
            Reason.Pending,
        ),
        ConditionType.Available: (
            Reason.MinimumEndpointsAvailable,
            Reason.NoEndpointsAvailable,
            Reason.RouterNotReady,
            Reason.ProbeDataStale,
            Reason.NoDataYet,
            Reason.Pending,
        ),
        ConditionType.Degraded: (
            Reason.AllEndpointsHealthy,
            Reason.EndpointsUnhealthy,
            Reason.BreakerOpen,
            Reason.CredentialsRejected,
            Reason.BalanceExhausted,
            Reason.GreyFailure,
            Reason.ProbeDataStale,
            Reason.Pending,
        ),
        ConditionType.FailoverActive: (
            Reason.PrimaryServing,
            Reason.PrimaryBreakerOpen,
            Reason.PrimaryUnhealthy,
            Reason.PrimaryRateLimited,
            Reason.ServingDegraded,
            Reason.GlobalBreakerOpen,
            Reason.ManualHold,
            Reason.Pending,
        ),
        ConditionType.Ready: (
            Reason.Ready,
            Reason.InvalidSpec,
            Reason.SecretNotFound,
            Reason.SecretKeyMissing,
            Reason.PolicyNotFound,
            Reason.ServiceNotFound,
            Reason.ConfigMapNotFound,
            Reason.RolloutInProgress,
            Reason.ApplyForbidden,
            Reason.ApplyConflict,
            Reason.ConfigRejected,
            Reason.ReconcilePaused,
            Reason.Pending,
        ),
    }
)
"""Which reasons a condition may carry; the first is the one it has when all is well."""

GOOD_REASONS: frozenset[Reason] = frozenset(reasons[0] for reasons in REASONS.values())


def meaning(reason: str) -> str:
    """What it says, in a sentence; "" for a router's own word."""
    if reason in Reason.__members__:
        return Reason[reason].meaning
    return ProbeReason[reason].meaning if reason in ProbeReason.__members__ else ""


def runbook(reason: str) -> str:
    """Where its page is; "" for a word that has none: one that is good, or a router's own."""
    has_page = reason in ProbeReason.__members__ or (reason in Reason.__members__ and reason not in GOOD_REASONS)
    return f"docs/runbooks/{reason}.md" if has_page else ""
