"""Every condition and every reason, each with its meaning, and the good status of each condition. They are an API: no
name changes.

Runbooks (docs/runbooks/REASON.md), status, Events and `poolkeeper status` use exactly these names.
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
    Degraded = "Degraded", "Something needs attention, though the pool may still answer."
    FailoverActive = "FailoverActive", "The first tier does not serve the pool as the spec declares."
    Ready = "Ready", "Accepted, ResolvedRefs and Programmed. An outage of a provider does not change it."
    Reconciling = "Reconciling", "The operator is working towards Ready. Flux, kpt and other users of kstatus read it."
    Stalled = "Stalled", "The spec is refused, and only another one helps. Users of kstatus fail at once."


class Reason(Word):
    """Why a condition is as it is. REASONS below says of which one."""

    Pending = "Pending", "The operator has not processed this version yet."

    Accepted = "Accepted", "The spec is valid."
    InvalidSpec = (
        "InvalidSpec",
        "The spec breaks a rule; the message names the path. The last good configuration keeps serving.",
    )

    NotAllowed = (
        "NotAllowed",
        "The spec asks for more than the administrator's limits allow. The last good configuration keeps serving.",
    )

    ResolvedRefs = "ResolvedRefs", "Everything referred to exists."
    SecretNotFound = "SecretNotFound", "A router reports that a referenced Secret, or the key in it, is missing."
    SecretKeyMissing = "SecretKeyMissing", "The Secret exists, but the referenced key in it does not."
    ClientKeyUnusable = (
        "ClientKeyUnusable",
        "The API key of a client is too short, or the same as that of another client.",
    )
    PolicyNotFound = (
        "PolicyNotFound",
        "The FailoverPolicy does not exist or is invalid. The last good configuration keeps serving.",
    )
    ServiceNotFound = "ServiceNotFound", "The Service of an endpoint does not exist."
    ConfigMapNotFound = (
        "ConfigMapNotFound",
        "A referenced ConfigMap, or the key in it, does not exist or cannot be used.",
    )

    Programmed = "Programmed", "All router Pods run the current configuration."
    RolloutInProgress = (
        "RolloutInProgress",
        "Router Pods are starting, or have not accepted the current configuration yet.",
    )
    RoutersSilent = (
        "RoutersSilent",
        "A ready router does not report, or its report cannot be true: what it serves is not known.",
    )
    ApplyForbidden = (
        "ApplyForbidden",
        "The API server refuses a write of the operator: RBAC, quota or an admission policy.",
    )
    ApplyConflict = "ApplyConflict", "Another field manager or owner controls an object that the operator must write."
    ChildContested = (
        "ChildContested",
        "Something else changes an object of the pool again each time the operator restores it.",
    )
    ConfigRejected = "ConfigRejected", "A router rejected the configuration and keeps serving with the last good one."
    ReconcilePaused = "ReconcilePaused", "The annotation poolkeeper.dev/paused stops changes to the pool."

    DeploymentNotFound = "DeploymentNotFound", "The Deployment of a cold standby does not exist."
    StandbyBlocked = (
        "StandbyBlocked",
        "A cold standby cannot be woken, or not be scaled back: the operator may not, or something else scales it.",
    )

    MinimumEndpointsAvailable = "MinimumEndpointsAvailable", "At least minAvailable endpoints take traffic."
    NoEndpointsAvailable = "NoEndpointsAvailable", "Fewer endpoints than minAvailable take traffic."
    RouterNotReady = "RouterNotReady", "No router Pod is ready: the pool cannot answer."
    RouterServiceMissing = "RouterServiceMissing", "The Service of the routers is missing: clients cannot reach them."
    ProbeDataStale = (
        "ProbeDataStale",
        "No router has reported for a while, or three probe runs are missing: the last state may be wrong.",
    )
    NoDataYet = "NoDataYet", "Routers have not reported yet, or no endpoint has answered a check or a request so far."
    AwaitingTraffic = "AwaitingTraffic", "After an outage an endpoint may be back, but nobody has asked it since."

    AllEndpointsHealthy = "AllEndpointsHealthy", "Every endpoint that is not disabled is healthy."
    EndpointsUnhealthy = "EndpointsUnhealthy", "At least one endpoint fails its health check."
    BreakerOpen = "BreakerOpen", "At least one endpoint's circuit breaker is open or half-open."
    CredentialsRejected = (
        "CredentialsRejected",
        "A provider refuses an API key (401, 403).",
    )
    BalanceExhausted = "BalanceExhausted", "A provider says that the account has no credit (402)."
    NobodyMayServe = (
        "NobodyMayServe",
        "spec.dataPolicy, or a client's allow, leaves no endpoint that takes traffic for some models.",
    )
    GreyFailure = (
        "GreyFailure",
        "Probes, or answers to callers, show an endpoint that answers, but too slowly or wrongly.",
    )

    PrimaryServing = "PrimaryServing", "The first tier serves."
    PrimaryBreakerOpen = "PrimaryBreakerOpen", "The first tier's breakers are open; a lower tier serves."
    PrimaryUnhealthy = "PrimaryUnhealthy", "The first tier fails its health checks; a lower tier serves."
    PrimaryRateLimited = "PrimaryRateLimited", "The first tier's providers limit our rate; a lower tier serves."
    PrimaryRecovering = (
        "PrimaryRecovering",
        "The first tier serves again; its traffic returns when it has been well for failback.stabilization.",
    )
    ServingDegraded = "ServingDegraded", "The fallback model, the cache or the default answer serves."
    GlobalBreakerOpen = (
        "GlobalBreakerOpen",
        "The error rate of the whole pool is over its threshold: most requests get the default answer.",
    )
    ManualHold = "ManualHold", "The annotation poolkeeper.dev/failover-to holds a tier."

    Ready = "Ready", "Accepted, ResolvedRefs and Programmed are all True."


class ProbeReason(Word):
    """What a probe finds wrong with an endpoint, the worst first; shown in status.endpoints[].reason.

    What it does to the endpoint is in probing/reason_effects.py, and the advice in diagnostics/advice.py.
    """

    DnsFailed = "DnsFailed", "Its name does not resolve."
    AddressRefused = (
        "AddressRefused",
        "It, or its egress proxy, has an address that no pool may reach: loopback, link-local or cloud metadata.",
    )
    ProxyFailed = "ProxyFailed", "Its egress proxy does not answer, or cannot connect to it."
    ConnectFailed = "ConnectFailed", "None of its addresses accepts a connection."
    TlsFailed = "TlsFailed", "The TLS handshake fails before the certificate is checked."
    CertificateInvalid = (
        "CertificateInvalid",
        "Its certificate is expired, for another name, or from an authority that is not trusted.",
    )
    SecretNotFound = "SecretNotFound", "The API key for the probe is missing or empty."
    CredentialsRejected = "CredentialsRejected", "The provider refuses the API key (401, 403)."
    BalanceExhausted = (
        "BalanceExhausted",
        "The provider says that the account has no credit (402, or its balance page).",
    )
    ModelMissing = "ModelMissing", "The provider does not know the requested model."
    NoAnswer = "NoAnswer", "The provider accepts the request and sends no answer."
    KeepAliveOnly = "KeepAliveOnly", "Only keep-alives arrive, and no content within the time limit."
    EmptyAnswer = "EmptyAnswer", "The answer ends normally but has no content."
    InvalidAnswer = "InvalidAnswer", "The response is not a valid answer of the API."
    ServerError = "ServerError", "The provider answers with a server error."
    Busy = "Busy", "The provider says that it is overloaded."
    CutAtRoundSeconds = (
        "CutAtRoundSeconds",
        "The stream is cut after a round number of seconds: a time limit between here and the model.",
    )
    TruncatedStream = "TruncatedStream", "The stream ends before the answer is complete."
    SlowFirstToken = "SlowFirstToken", "The first token takes longer than spec.probe.firstToken."
    SlowTokens = "SlowTokens", "Tokens arrive more slowly than spec.probe.minTokensPerSecond."
    WrongModel = "WrongModel", "Another model answers than the requested one."
    BufferedStream = (
        "BufferedStream",
        "The stream arrives in one piece: something between here and the model buffers it.",
    )
    CertificateExpiring = "CertificateExpiring", "Its certificate expires within a week, and its renewal is overdue."
    SampleRefused = "SampleRefused", "The provider says that the probe request itself is invalid (400, 422)."
    RateLimited = "RateLimited", "The provider limits the request rate (429). That says nothing about its health."


_GOOD_WHEN_FALSE = (
    ConditionType.Degraded,
    ConditionType.FailoverActive,
    ConditionType.Reconciling,
    ConditionType.Stalled,
)

GOOD: Mapping[ConditionType, ConditionStatus] = MappingProxyType(
    {kind: "False" if kind in _GOOD_WHEN_FALSE else "True" for kind in ConditionType}
)
"""The status each condition has when all is well."""

POOL_CONDITIONS: tuple[ConditionType, ...] = tuple(ConditionType)
POLICY_CONDITIONS: tuple[ConditionType, ...] = (ConditionType.Accepted, ConditionType.Ready, ConditionType.Stalled)

_OWN: Mapping[ConditionType, tuple[Reason, ...]] = {
    ConditionType.Accepted: (Reason.Accepted, Reason.InvalidSpec, Reason.NotAllowed, Reason.Pending),
    ConditionType.ResolvedRefs: (
        Reason.ResolvedRefs,
        Reason.SecretNotFound,
        Reason.SecretKeyMissing,
        Reason.ClientKeyUnusable,
        Reason.PolicyNotFound,
        Reason.ServiceNotFound,
        Reason.DeploymentNotFound,
        Reason.ConfigMapNotFound,
        Reason.Pending,
    ),
    ConditionType.Programmed: (
        Reason.Programmed,
        Reason.RolloutInProgress,
        Reason.RoutersSilent,
        Reason.ApplyForbidden,
        Reason.ApplyConflict,
        Reason.ChildContested,
        Reason.ConfigRejected,
        Reason.ReconcilePaused,
        Reason.Pending,
    ),
    ConditionType.Available: (
        Reason.MinimumEndpointsAvailable,
        Reason.NoEndpointsAvailable,
        Reason.RouterNotReady,
        Reason.RouterServiceMissing,
        Reason.ProbeDataStale,
        Reason.NoDataYet,
        Reason.AwaitingTraffic,
        Reason.Pending,
    ),
    ConditionType.Degraded: (
        Reason.AllEndpointsHealthy,
        Reason.EndpointsUnhealthy,
        Reason.BreakerOpen,
        Reason.SecretNotFound,
        Reason.CredentialsRejected,
        Reason.BalanceExhausted,
        Reason.NobodyMayServe,
        Reason.StandbyBlocked,
        Reason.GreyFailure,
        Reason.ProbeDataStale,
        Reason.Pending,
    ),
    ConditionType.FailoverActive: (
        Reason.PrimaryServing,
        Reason.PrimaryBreakerOpen,
        Reason.PrimaryUnhealthy,
        Reason.PrimaryRateLimited,
        Reason.PrimaryRecovering,
        Reason.ServingDegraded,
        Reason.GlobalBreakerOpen,
        Reason.ManualHold,
        Reason.Pending,
    ),
}

# Ready says whatever keeps one of these three from its first reason.
_NOT_READY = tuple(
    reason
    for kind in (ConditionType.Accepted, ConditionType.ResolvedRefs, ConditionType.Programmed)
    for reason in _OWN[kind][1:]
    if reason != Reason.Pending
)

REASONS: Mapping[ConditionType, tuple[Reason, ...]] = MappingProxyType(
    {
        **_OWN,
        ConditionType.Ready: (Reason.Ready, *_NOT_READY, Reason.Pending),
        ConditionType.Reconciling: (Reason.Ready, *_NOT_READY, Reason.Pending),
        ConditionType.Stalled: (Reason.Accepted, *_OWN[ConditionType.Accepted][1:]),
    }
)
"""Which reasons a condition may carry; the first is the one it has when all is well."""

GOOD_REASONS: frozenset[Reason] = frozenset(reasons[0] for reasons in REASONS.values())


def meaning(reason: str) -> str:
    """The meaning in one sentence; "" for a reason that only routers use."""
    if reason in Reason.__members__:
        return Reason[reason].meaning
    return ProbeReason[reason].meaning if reason in ProbeReason.__members__ else ""


def runbook(reason: str) -> str:
    """The path of its page; "" for a good reason, and for one that only routers use."""
    has_page = reason in ProbeReason.__members__ or (reason in Reason.__members__ and reason not in GOOD_REASONS)
    return f"docs/runbooks/{reason}.md" if has_page else ""
