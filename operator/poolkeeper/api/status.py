"""What the operator says about a resource. Written on transitions only: latencies and counters live in metrics
and /state.

An unknown field in a status is dropped, not refused: only an operator writes here, and a newer one may have.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from poolkeeper.api.base import Model, list_map
from poolkeeper.api.probe_document import Amount
from poolkeeper.api.reasons import ConditionStatus

Word = Annotated[str, Field(max_length=128)]
Sentence = Annotated[str, Field(max_length=4096)]
Number = Annotated[int, Field(ge=0, le=2**53)]


class StatusModel(Model):
    model_config = ConfigDict(extra="ignore")


class Condition(StatusModel):
    """One observation about the resource."""

    type: Annotated[str, Field(min_length=1, max_length=64)]
    """Which question this answers, such as Available."""
    status: ConditionStatus
    """True, False, or Unknown if the answer is not known at present."""
    reason: Annotated[str, Field(min_length=1, max_length=64)]
    """The cause in one word; docs/runbooks has a page for each."""
    message: Sentence = ""
    """The cause in a sentence: which object, what was seen, what was wanted."""
    observed_generation: Number | None = None
    """metadata.generation of the spec that this is about. If it is older than the object's: this is not about the
    latest spec."""
    last_transition_time: datetime
    """When status last changed."""


class KeyStatus(StatusModel):
    """One of several API keys that is left out, and needs somebody to look at it."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, Field(max_length=253)]
    """Key inside the Secret."""
    reason: Word
    """SecretNotFound: it is missing. CredentialsRejected: the provider refuses it. BalanceExhausted: its account has no
    credit."""
    since: datetime | None = None
    """Since when the routers leave it out."""


StandbyState = Literal[
    "Asleep", "Waking", "Awake", "CoolingDown", "Draining", "LeftAlone", "HeldDown", "Blocked", "Missing"
]


class StandbyStatus(StatusModel):
    """A cold standby, and what the operator does about it."""

    state: StandbyState
    """Asleep: it has no replicas. Waking: it is scaled up, and no Pod is ready yet. Awake: it may serve. CoolingDown: a
    tier above serves again, coolDown is running. Draining: it gets no new requests; it is scaled to zero when the last
    one has ended. LeftAlone: somebody else set its replicas. HeldDown: somebody else scaled it to zero during
    the outage. Blocked: it cannot be woken, or not be scaled back. Missing: there is no such Deployment."""
    since: datetime
    """Since when it is in this state."""
    deployment: Annotated[str, Field(max_length=253)] = ""
    """The Deployment that this is about."""
    replicas: Annotated[int, Field(ge=0, le=100)] = 0
    """The replicas that this pool gives it; written before the Deployment is scaled. While the Deployment has exactly
    so many, they are this pool's to scale back. 0: none, whatever the Deployment has."""
    message: Sentence = ""
    """The same in a sentence: which Deployment, what was seen, what happens next."""


class EndpointStatus(StatusModel):
    """One endpoint as the routers see it together."""

    name: Word
    """The endpoint's name in the spec."""
    tier: Annotated[int, Field(ge=0, le=9)]
    """Its tier in the spec."""
    region: Word = ""
    """Its region in the spec; empty where none is given."""
    health: Literal["Healthy", "Unhealthy", "Unknown"]
    """Health by checks and probes: can the router use it?"""
    breaker: Literal["Closed", "Open", "HalfOpen"]
    """The circuit breaker: Closed lets all requests pass, Open none, HalfOpen a few."""
    open_models: Annotated[tuple[Word, ...], Field(max_length=64)] = ()
    """The models for which the breaker is not Closed while it is for others; empty if it is the same for all."""
    reason: Word = ""
    """Why health or breaker are not good; empty if they are."""
    last_transition_time: datetime
    """When health or breaker last changed."""
    keys_left_out: Annotated[tuple[KeyStatus, ...], Field(max_length=16)] = ()
    """Of several API keys, those that are missing, refused or out of balance. The others serve."""
    standby: StandbyStatus | None = None
    """The endpoint's cold standby; absent without endpoints[].standby."""
    outage_since: datetime | None = None
    """When the present outage began; kept through half-open requests and backoffs, until the endpoint has been well for
    failback.stabilization of the policy. Absent if there is none."""
    recovering_since: datetime | None = None
    """Since when it serves again, while the outage is not over yet."""


class EndingModelStatus(StatusModel):
    """A model name that ends within 30 days, or has ended, as validUntil says."""

    endpoint: Word
    """The endpoint's name in the spec."""
    model: Word
    """The name that clients request."""
    upstream_name: Word = ""
    """The endpoint's own name, which ends."""
    valid_until: Annotated[str, Field(max_length=10)]
    """The last day (UTC)."""
    ended: bool = False
    """Is that day over?"""


class RouterStatus(StatusModel):
    """The router Deployment."""

    replicas: Number = 0
    """Existing router Pods."""
    ready_replicas: Number = 0
    """Router Pods that serve."""
    selector: Annotated[str, Field(max_length=512)] = ""
    """Label selector of the router Pods as text; the scale subresource passes it to an autoscaler."""
    config_hash: Word = ""
    """Hash of the configuration that the routers got."""


class EffectivePolicy(StatusModel):
    """The failover policy in use."""

    name: Annotated[str, Field(max_length=253)] = ""
    """Name of the FailoverPolicy; empty: the built-in defaults."""
    generation: Number = 0
    """Its metadata.generation; 0 for the built-in defaults."""


class ProbeRun(StatusModel):
    """What one run of the probe found at one endpoint."""

    reason: Word = ""
    """What was wrong, in one word; empty: nothing."""
    bad: Number = 0
    """Probe requests with this fault."""
    asked: Number = 1
    """Probe requests with any result for the endpoint."""


class ProbedEndpoint(StatusModel):
    """The results of the probe for one endpoint."""

    name: Word
    """The endpoint's name in the spec."""
    fingerprint: Word = ""
    """Identifies the endpoint: another address under the same name has another history."""
    verdict: Literal["Healthy", "Grey", "Unhealthy"] = "Healthy"
    """Probe status. Healthy; Grey: it answers, but slowly or wrongly; Unhealthy: it gives no answer. From several runs,
    never from one slow request."""
    reason: Word = ""
    """Why it is not Healthy, in one word."""
    since: datetime
    """When the probe status last changed."""
    asked_at: datetime | None = None
    """When the last run with a result for it finished: the age of the probe status."""
    runs: tuple[ProbeRun, ...] = Field((), max_length=5)
    """The last runs, newest first."""
    certificate_expires: datetime | None = None
    """When the certificate expires that it showed last and that was accepted."""


class LastProbe(StatusModel):
    """The latest finished run of the probe, and what is remembered of those before it."""

    time: datetime
    """When it finished."""
    outcome: Literal["Passed", "GreyFailure", "Failed", "Skipped"]
    """Passed; GreyFailure: an endpoint was too slow; Failed: an endpoint did not answer; Skipped: the day's
    budget is spent."""
    message: Sentence = ""
    """The worst endpoint and what was seen."""
    asked_at: datetime | None = None
    """When the last run with a request to any endpoint finished."""
    endpoints: tuple[ProbedEndpoint, ...] = Field((), max_length=32, json_schema_extra=list_map("name"))
    """The probe status of each endpoint, and the runs it comes from."""
    day: Annotated[str, Field(max_length=10, pattern=r"^([0-9]{4}-[01][0-9]-[0-3][0-9])?$")] = ""
    """The day (UTC) of spent, such as 2026-11-22."""
    spent: tuple[Amount, ...] = Field((), max_length=32, json_schema_extra=list_map("currency"))
    """What probing cost on that day so far."""
    cost: tuple[Amount, ...] = Field((), max_length=32, json_schema_extra=list_map("currency"))
    """What the latest run cost."""


class EndpointPoolStatus(StatusModel):
    """What the operator and the routers see."""

    observed_generation: Number | None = None
    """metadata.generation of the spec that this status is about."""
    headline: Sentence = ""
    """The pool in one line: what is broken, since when, what Poolkeeper does about it, what you can do."""
    conditions: tuple[Condition, ...] = Field((), max_length=16, json_schema_extra=list_map("type"))
    """Accepted, ResolvedRefs, Programmed, Available, Degraded, FailoverActive and Ready. Unknown/Pending until the
    operator has processed the resource."""
    endpoints: tuple[EndpointStatus, ...] = Field((), max_length=32, json_schema_extra=list_map("name"))
    """Each endpoint's health and breaker."""
    active_tier: Annotated[int, Field(ge=0, le=9)] | None = None
    """The tier that serves; absent when none can."""
    healthy_endpoints: Number = 0
    """Endpoints that are known to serve: healthy, breaker closed, not drained or disabled. One that nobody has asked
    yet does not count."""
    total_endpoints: Number = 0
    """Endpoints declared and not disabled."""
    summary: Word = ""
    """healthyEndpoints/totalEndpoints, such as 2/3."""
    router: RouterStatus = RouterStatus()
    """The router Deployment."""
    effective_policy: EffectivePolicy | None = None
    """The failover policy in use."""
    models: Sentence = ""
    """The model names of the spec as one text, for tables."""
    address: Annotated[str, Field(max_length=512)] = ""
    """Base URL for clients inside the cluster, such as http://chat-router.default.svc.cluster.local/v1."""
    last_probe: LastProbe | None = None
    """The latest finished run of the probe; absent without spec.probe."""
    ending_models: tuple[EndingModelStatus, ...] = Field((), max_length=64)
    """Model names that end within 30 days or have ended (endpoints[].models[].validUntil), the first to end first."""


class FailoverPolicyStatus(StatusModel):
    """The status of the policy."""

    observed_generation: Number | None = None
    """metadata.generation of the spec that this status is about."""
    conditions: tuple[Condition, ...] = Field((), max_length=16, json_schema_extra=list_map("type"))
    """Accepted. Unknown/Pending until the operator has processed the resource."""
    bound_pools: Number = 0
    """How many pools of this namespace use the policy."""
